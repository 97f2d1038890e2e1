/** How much of each layer was in memory when, over all of a recording. */
import type { ResidencyWindow } from '../display';
import { TimeBins } from './time-bins';

/** Follows loads and evictions from a moment at which what is resident was looked at. Events in the order of time. */
export class ResidencyHistory {
  /** a row for each layer, of bytes times ms, and one of the ms in which they were known */
  readonly #bins: TimeBins;
  #resident: Float64Array | undefined;
  readonly #sinceMs: Float64Array;
  #knownMs: number;

  constructor(
    private readonly layerBytes: readonly number[],
    startMs: number,
  ) {
    this.#bins = new TimeBins(layerBytes.length + 1, startMs);
    this.#sinceMs = new Float64Array(layerBytes.length);
    this.#knownMs = startMs;
  }

  /** False before the first look, and when events were lost since the last one. */
  get isKnown(): boolean {
    return this.#resident !== undefined;
  }

  /** So many bytes of each layer are in memory at a moment. */
  look(timeMs: number, bytes: Float64Array): void {
    this.#resident = Float64Array.from(this.layerBytes, (_, layer) => bytes[layer] ?? 0);
    this.#sinceMs.fill(timeMs);
    this.#knownMs = timeMs;
  }

  /** Events are missing from a moment on: nothing is known until the next look. */
  forget(timeMs: number): void {
    this.#advance(timeMs);
    this.#resident = undefined;
  }

  /** Bytes of a layer came, or went where they are less than 0. */
  change(timeMs: number, layer: number, bytes: number): void {
    if (!this.#resident || !(layer in this.#resident)) return;
    this.#settle(layer, timeMs);
    this.#resident[layer]! += bytes;
  }

  /** The windows up to a moment. */
  windows(untilMs: number): ResidencyWindow[] {
    this.#advance(untilMs);
    return this.#bins.list(untilMs).map(({ startMs, endMs, amounts }) => {
      const known = amounts[this.layerBytes.length]!;
      const shares = this.layerBytes.map((bytes, layer) => Math.min(1, amounts[layer]! / (bytes * known)));
      return { startMs, endMs, shares };
    });
  }

  #advance(timeMs: number): void {
    if (!this.#resident) return;
    for (let layer = 0; layer < this.layerBytes.length; layer++) this.#settle(layer, timeMs);
    this.#bins.add(this.layerBytes.length, this.#knownMs, timeMs, Math.max(0, timeMs - this.#knownMs));
    this.#knownMs = Math.max(this.#knownMs, timeMs);
  }

  /** Counts what was resident of a layer since it last changed. */
  #settle(layer: number, timeMs: number): void {
    const since = this.#sinceMs[layer]!;
    if (timeMs <= since) return;
    const bytes = this.#resident![layer]!;
    if (bytes > 0) this.#bins.add(layer, since, timeMs, bytes * (timeMs - since));
    this.#sinceMs[layer] = timeMs;
  }
}
