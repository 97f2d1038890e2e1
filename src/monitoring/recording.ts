/** Recording a session: what the engine reports, as a timeline of memory that a figure can show while it grows. */
import {
  type DisplayHandle,
  display,
  type Figure,
  jupyterDisplay,
  type MemoryMark,
  type MemorySample,
  type MemoryTimeline,
  type MimeBundle,
  memoryFigure,
} from '../display';
import { EVENT_FIELDS, EVENT_KINDS, MEMORY_TAGS, type NativeMemory, native } from '../native';
import { MarkHistory, SampleHistory } from './timeline';

/** What is recorded. A session gives this. */
export interface Recorded {
  readonly title: string;
  readonly layers: readonly string[];
  /** the engine's number of the session; undefined once it is closed */
  id(): number | undefined;
}

export interface RecordOptions {
  /** Shows a chart at once and redraws it, up to ten times per second, until `stop()`. Default false. */
  readonly live?: boolean;
}

const MS_BETWEEN_POLLS = 50;
const MS_BETWEEN_REDRAWS = 100;

/**
 * The memory of a session over time, from the call of `session.record()` to `stop()`. Times are milliseconds of
 * `performance.now()`, sizes bytes. At most about 2,000 samples are kept, thinned so that peaks stay.
 *
 * @example
 * ```ts
 * const model = await openModel('model');
 * const session = model.session({ budget: '64 MiB' });
 * const recording = session.record();
 * await session.forward([1, 2, 3]);
 * recording.stop();
 * recording.samples.at(-1)!.peakBytes === session.memory.peak; // true
 * ```
 */
export class Recording {
  readonly #samples = new SampleHistory();
  readonly #marks = new MarkHistory();
  readonly #timer: NodeJS.Timeout;
  readonly #chart: DisplayHandle | undefined;
  /** added to the engine's clock, it gives performance.now() */
  readonly #clockOffsetMs: number;
  #budget: number | null = null;
  #lost = 0;
  #peak = 0;
  #drawnMs = 0;
  #stopped = false;

  constructor(
    private readonly recorded: Recorded,
    options: RecordOptions = {},
  ) {
    this.#clockOffsetMs = performance.now() - native().clockMs();
    const id = recorded.id();
    if (id !== undefined) native().recordEvents(id, true);
    this.#poll();
    this.#chart = options.live ? display(this.plot(), { live: true }) : undefined;
    this.#timer = setInterval(() => this.#tick(), MS_BETWEEN_POLLS);
    // A recording that was forgotten keeps no process alive.
    this.#timer.unref();
  }

  /** Samples up to now, oldest first. */
  get samples(): readonly MemorySample[] {
    this.#poll();
    return this.#samples.list();
  }

  /** Layers that were loaded and evicted up to now, oldest first; of very many, the newest. */
  get marks(): readonly MemoryMark[] {
    this.#poll();
    return this.#marks.list();
  }

  /** Events that are missing from `samples` or `marks`, because they came faster than they were read, or were too many. */
  get lost(): number {
    return this.#lost + this.#marks.dropped;
  }

  /**
   * Ends the recording; what was recorded stays. Doing it again does nothing. It returns nothing, so that a cell which
   * ends in it shows a live chart once.
   */
  stop(): void {
    if (this.#stopped) return;
    this.#poll();
    this.#stopped = true;
    clearInterval(this.#timer);
    const id = this.recorded.id();
    if (id !== undefined) native().recordEvents(id, false);
    this.#chart?.update(this.plot());
    void this.#chart?.done();
  }

  /** What `plot` draws, as plain data. */
  timeline(): MemoryTimeline {
    const { samples, marks } = this;
    return { title: this.recorded.title, budgetBytes: this.#budget, tags: MEMORY_TAGS, samples, marks };
  }

  /** Current and peak memory against the budget, with a band for each tag. */
  plot(): Figure {
    return memoryFigure(this.timeline());
  }

  toString(): string {
    return this.plot().toString();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  [jupyterDisplay](): Promise<MimeBundle> {
    return this.plot()[jupyterDisplay]();
  }

  #tick(): void {
    this.#poll();
    if (!this.#chart || performance.now() - this.#drawnMs < MS_BETWEEN_REDRAWS) return;
    this.#drawnMs = performance.now();
    this.#chart.update(this.plot());
  }

  /** Takes the state of this moment, and the events that the engine has kept. */
  #poll(): void {
    const id = this.#stopped ? undefined : this.recorded.id();
    if (id === undefined) return;
    const memory = native().sessionMemory(id);
    const points: Point[] = [{ ...sampleOf(memory), event: undefined }];
    const { events, lost } = native().drainEvents(id);
    for (let row = 0; row < events.length; row += EVENT_FIELDS) {
      points.push(this.#pointOf(events.subarray(row, row + EVENT_FIELDS)));
    }
    this.#budget = Number.isFinite(memory.budget) ? memory.budget : null;
    this.#lost += lost;
    points.sort((a, b) => a.timeMs - b.timeMs);
    for (const point of points) this.#take(point);
  }

  #pointOf(row: Float64Array): Point {
    const [clockMs, kind, layer, bytes, peakBytes, reservedBytes, ...byTag] = row as unknown as number[];
    const currentBytes = byTag.reduce((sum, tagged) => sum + tagged, 0);
    const timeMs = clockMs! + this.#clockOffsetMs;
    return {
      timeMs,
      currentBytes,
      peakBytes: peakBytes!,
      reservedBytes: reservedBytes!,
      byTag,
      event: [kind!, layer!, bytes!],
    };
  }

  #take({ event, ...sample }: Point): void {
    // The two clocks differ by microseconds; a peak never falls.
    this.#peak = Math.max(this.#peak, sample.peakBytes);
    this.#samples.add({ ...sample, peakBytes: this.#peak });
    if (!event) return;
    const [kind, layer, bytes] = event;
    const name = EVENT_KINDS[kind];
    if (name !== 'load' && name !== 'evict') return;
    this.#marks.add({ timeMs: sample.timeMs, kind: name, layer: this.recorded.layers[layer] ?? '', bytes });
  }
}

/** A sample, and the event that was its occasion: kind, layer, bytes. */
interface Point extends MemorySample {
  readonly event: readonly [number, number, number] | undefined;
}

function sampleOf(memory: NativeMemory): MemorySample {
  const byTag = MEMORY_TAGS.map((tag) => memory.byTag[tag]);
  return {
    timeMs: performance.now(),
    currentBytes: memory.current,
    peakBytes: memory.peak,
    reservedBytes: memory.reserved,
    byTag,
  };
}
