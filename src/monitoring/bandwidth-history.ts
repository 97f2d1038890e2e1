/** Bytes that were read, and bytes of weights that were computed with, over all of a recording. */
import type { BandwidthWindow, LaneSpan } from '../display';
import { TimeBins } from './time-bins';

const READ = 0;
const COMPUTED = 1;

/** The bytes of each span count evenly over its time: those of a read from when it was queued until it was in memory. */
export class BandwidthHistory {
  readonly #bins: TimeBins;

  constructor(startMs: number) {
    this.#bins = new TimeBins(2, startMs);
  }

  add({ lane, startMs, endMs, bytes }: LaneSpan): void {
    if (lane !== 'stall') this.#bins.add(lane === 'read' ? READ : COMPUTED, startMs, endMs, bytes);
  }

  /** The windows up to a moment. */
  windows(untilMs: number): BandwidthWindow[] {
    return this.#bins.list(untilMs).map(({ startMs, endMs, amounts }) => ({
      startMs,
      endMs,
      readBytes: amounts[READ]!,
      computedBytes: amounts[COMPUTED]!,
    }));
  }
}
