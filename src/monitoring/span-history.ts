/** What lasted from when until when: the beginnings and ends that the engine reports, put together. */
import type { LaneSpan } from '../display';
import type { EngineEvent } from './events';
import { Newest } from './newest';

/** A layer as a recording sees it. */
export interface RecordedLayer {
  readonly name: string;
  readonly kind: string;
  readonly bytes: number;
}

interface Begun {
  readonly layer: number;
  readonly startMs: number;
}

/** The newest reads, computes and stalls. A layer that stalls within itself computes in several stretches. */
export class SpanHistory {
  readonly #spans: Newest<LaneSpan>;
  readonly #passes: Newest<number>;
  /** by layer and bytes, when reads were queued */
  readonly #reading = new Map<string, number[]>();
  #stalled: (Begun & { readonly bytes: number }) | undefined;
  /** the layer that computes, since when without a stall, and its stretches before that */
  #computing: Begun | undefined;
  #stretches: { startMs: number; endMs: number }[] = [];

  /** @param onSpan told of each span when its length and bytes are known */
  constructor(
    private readonly layers: readonly RecordedLayer[],
    private readonly onSpan: (span: LaneSpan) => void = () => {},
    capacity = 30_000,
  ) {
    this.#spans = new Newest(capacity);
    this.#passes = new Newest(capacity);
  }

  /** Spans that have ended; those of each lane in the order of time. */
  get spans(): LaneSpan[] {
    return this.#spans.list();
  }

  /** When passes began. */
  get passes(): number[] {
    return this.#passes.list();
  }

  /** how many older spans are gone */
  get dropped(): number {
    return this.#spans.dropped;
  }

  /** Events in the order of time. */
  take({ bytes, kind, layer, timeMs }: EngineEvent): void {
    switch (kind) {
      case 'read begin':
        this.#queuedOf(layer, bytes).push(timeMs);
        break;
      case 'load':
        this.#endRead(layer, bytes, timeMs);
        break;
      case 'drop':
        this.#queuedOf(layer, bytes).shift();
        break;
      case 'stall begin':
        this.#endStretch(timeMs);
        this.#stalled = { layer, startMs: timeMs, bytes };
        break;
      case 'stall end':
        if (this.#stalled) this.#add('stall', layer, { ...this.#stalled, endMs: timeMs });
        this.#stalled = undefined;
        if (this.#computing) this.#computing = { ...this.#computing, startMs: timeMs };
        break;
      case 'compute begin':
        this.#stretches = [];
        this.#computing = { layer, startMs: timeMs };
        break;
      case 'compute end':
        this.#endStretch(timeMs);
        this.#endLayer();
        break;
      case 'pass begin':
        this.#passes.add(timeMs);
    }
  }

  /** Events are missing: what has begun has no end that is known. */
  forgetBegun(): void {
    this.#reading.clear();
    this.#computing = this.#stalled = undefined;
  }

  #queuedOf(layer: number, bytes: number): number[] {
    const key = `${layer} ${bytes}`;
    const queued = this.#reading.get(key) ?? [];
    this.#reading.set(key, queued);
    return queued;
  }

  /** Parts of a layer that have the same size are taken in the order in which they were queued. */
  #endRead(layer: number, bytes: number, endMs: number): void {
    const startMs = this.#queuedOf(layer, bytes).shift();
    if (startMs !== undefined) this.#add('read', layer, { startMs, endMs, bytes });
  }

  #endStretch(endMs: number): void {
    if (this.#computing) this.#stretches.push({ startMs: this.#computing.startMs, endMs });
  }

  /** Each stretch went through the share of the layer's bytes that it has of its time. Of an embedding only rows are looked up. */
  #endLayer(): void {
    if (!this.#computing) return;
    const { layer } = this.#computing;
    const { bytes = 0, kind } = this.layers[layer] ?? {};
    const time = this.#stretches.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
    const perMs = kind === 'embedding' || time === 0 ? 0 : bytes / time;
    for (const { startMs, endMs } of this.#stretches)
      this.#add('compute', layer, { startMs, endMs, bytes: perMs * (endMs - startMs) });
    this.#computing = undefined;
  }

  #add(lane: LaneSpan['lane'], layer: number, stretch: Omit<LaneSpan, 'lane' | 'layer'>): void {
    const { startMs, endMs, bytes } = stretch;
    const span = { lane, layer: this.layers[layer]?.name ?? '', startMs, endMs, bytes };
    this.#spans.add(span);
    this.onSpan(span);
  }
}
