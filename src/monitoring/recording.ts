/** Recording a session: what the engine reports, as data and as figures that can be shown while they grow. */
import { checkChoice, checkInteger, checkNumber } from '../checks';
import {
  type BandwidthLimit,
  bandwidthFigure,
  type DisplayHandle,
  display,
  type Figure,
  jupyterDisplay,
  type LaneSpan,
  lanesFigure,
  layerResidencyFigure,
  type MemoryMark,
  type MemorySample,
  type MemoryTimeline,
  type MimeBundle,
  memoryFigure,
} from '../display';
import { MEMORY_TAGS, native } from '../native';
import { formatBytes, parseSize } from '../units';
import { SessionHistory } from './session-history';
import type { RecordedLayer } from './span-history';

/** What is recorded. A session gives this. */
export interface Recorded {
  readonly name: string;
  readonly strategy: string;
  readonly layers: readonly RecordedLayer[];
  /** the engine's number of the session; undefined once it is closed */
  id(): number | undefined;
}

const CHARTS = ['memory', 'lanes', 'residency', 'bandwidth'] as const;

export interface RecordOptions {
  /** Shows a chart at once and redraws it, up to ten times per second, until `stop()`; true is 'memory'. Default false. */
  readonly live?: boolean | (typeof CHARTS)[number];
}

/** Which part of a recording is looked at: the newest passes, or the newest time. */
export interface LaneOptions {
  /** 1 to 1000. Default 2, unless `lastMs` is given. */
  readonly passes?: number;
  /** milliseconds, above 0 to 1e9 */
  readonly lastMs?: number;
}

/** Limits that bandwidth is held against, in bytes per second: a size such as '2.5 GiB', or a number. */
export interface BandwidthOptions {
  /** how fast the disk can be read */
  readonly disk?: number | string;
  /** how fast memory can be read */
  readonly memory?: number | string;
  /** where the limits come from, for the label. Default 'given'. */
  readonly source?: string;
}

const MS_BETWEEN_POLLS = 50;
const MS_BETWEEN_REDRAWS = 100;
const SHOWN_PASSES = 2;

/**
 * What a session does and holds over time, from the call of `session.record()` to `stop()`. Times are milliseconds of
 * `performance.now()`, sizes bytes. What is kept is bounded: about 2,000 samples, thinned so that peaks stay; some 500 windows of
 * residency and bandwidth, which grow wider; the newest 30,000 spans.
 *
 * @example
 * ```ts
 * const model = await openModel('model');
 * const session = model.session({ budget: '64 MiB' });
 * const recording = session.record();
 * await session.forward([1, 2, 3]);
 * recording.stop();
 * recording.samples.at(-1)!.peakBytes === session.memory.peak; // true
 * recording.spans.filter(({ lane }) => lane === 'compute').length >= model.layers.length; // true
 * ```
 */
export class Recording {
  readonly #history: SessionHistory;
  readonly #timer: NodeJS.Timeout;
  readonly #chart: DisplayHandle | undefined;
  readonly #draw: () => Figure;
  #drawnMs = 0;
  #stopped = false;

  constructor(
    private readonly recorded: Recorded,
    { live = false }: RecordOptions = {},
  ) {
    this.#draw = this.#drawerOf(live);
    this.#history = new SessionHistory(recorded.layers);
    const id = recorded.id();
    if (id !== undefined) native().recordEvents(id, true);
    this.#poll();
    this.#chart = live ? display(this.#draw(), { live: true }) : undefined;
    this.#timer = setInterval(() => this.#tick(), MS_BETWEEN_POLLS);
    // A recording that was forgotten keeps no process alive.
    this.#timer.unref();
  }

  /** Samples up to now, oldest first. */
  get samples(): readonly MemorySample[] {
    this.#poll();
    return this.#history.samples;
  }

  /** Layers of which parts were loaded and evicted up to now, oldest first; of very many, the newest. */
  get marks(): readonly MemoryMark[] {
    this.#poll();
    return this.#history.marks;
  }

  /**
   * Reads, computes and stalls up to now, the newest 30,000 at least; those of each lane in the order of time. A read lasts from when
   * it is queued until its bytes are in memory. A layer that waits for its parts computes in several stretches.
   */
  get spans(): readonly LaneSpan[] {
    this.#poll();
    return this.#history.spans.spans;
  }

  /** Events that are missing, because they came faster than they were read, and marks that were too many. */
  get lost(): number {
    return this.#history.lost + this.#history.droppedMarks;
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
    this.#chart?.update(this.#draw());
    void this.#chart?.done();
  }

  /**
   * Takes what there is to record now, and not at the next of the twenty looks in a second: when a budget has changed.
   *
   * @internal
   */
  look(): void {
    this.#poll();
  }

  /** What `plot` draws, as plain data. */
  timeline(): MemoryTimeline {
    const { samples, marks } = this;
    const { budgets } = this.#history;
    const title = `Memory of ${this.#subject}, ${this.recorded.strategy}`;
    return { title, budgetBytes: budgets.at(-1)?.bytes ?? null, budgets, tags: MEMORY_TAGS, samples, marks };
  }

  /** Current and peak memory against the budget, with a band for each tag. */
  plot(): Figure {
    return memoryFigure(this.timeline());
  }

  /**
   * Reads, computes and stalls of layers in lanes over time, of the newest passes: what overlaps is seen at once.
   *
   * @throws HyperionError `INVALID` for an option
   * @example
   * ```ts
   * const model = await openModel('model');
   * const session = model.session({ budget: '64 MiB' });
   * const recording = session.record();
   * await session.forward([1, 2, 3]);
   * const figure = recording.lanes({ passes: 1 });
   * String(figure).startsWith('lanes: 1 pass'); // true
   * ```
   */
  lanes({ passes, lastMs }: LaneOptions = {}): Figure {
    if (passes !== undefined) checkInteger('passes', passes, 1, 1000);
    if (lastMs !== undefined) checkNumber('lastMs', lastMs, Number.MIN_VALUE, 1e9);
    const { spans } = this;
    const begun = this.#history.spans.passes;
    const toMs = spans.reduce((end, span) => Math.max(end, span.endMs), Number.NEGATIVE_INFINITY);
    const firstMs = spans.reduce((start, span) => Math.min(start, span.startMs), begun[0] ?? toMs);
    // Where older spans are gone, what begins before the others would seem to have done nothing.
    const oldestMs = this.#history.spans.dropped > 0 ? spans[0]!.startMs : firstMs;
    const sinceMs = lastMs === undefined ? oldestMs : toMs - lastMs;
    const newest = passes ?? (lastMs === undefined ? SHOWN_PASSES : begun.length);
    const fromMs = Math.max(oldestMs, sinceMs, begun.at(-newest) ?? oldestMs);
    const title = `Reading and computing: ${this.#subject}`;
    return lanesFigure({ title, spans, passes: begun, fromMs, toMs, lost: this.#history.lost });
  }

  /**
   * Which share of each layer was in memory when, over all of the recording.
   *
   * @example
   * ```ts
   * const model = await openModel('model');
   * const session = model.session();
   * const recording = session.record();
   * await session.forward([1, 2, 3]);
   * String(recording.residencyMap()).startsWith('residency: '); // true
   * ```
   */
  residencyMap(): Figure {
    this.#poll();
    const title = `Layers in memory: ${this.#subject}`;
    return layerResidencyFigure({ title, layers: this.recorded.layers, windows: this.#history.residency() });
  }

  /**
   * Bytes per second that were read, and bytes of weights per second that were computed with, over all of the recording, against limits.
   * A layer counts with its bytes each time that it is computed, for however many tokens.
   *
   * @throws HyperionError `INVALID` for a limit that is no size
   * @example
   * ```ts
   * const model = await openModel('model');
   * const session = model.session({ budget: '64 MiB' });
   * const recording = session.record();
   * await session.forward([1, 2, 3]);
   * const figure = recording.bandwidth({ disk: '2.5 GiB', source: 'data sheet' });
   * ```
   */
  bandwidth({ disk, memory, source = 'given' }: BandwidthOptions = {}): Figure {
    const limits = Object.entries({ disk, memory }).flatMap(([name, limit]): BandwidthLimit[] =>
      limit === undefined
        ? []
        : [
            {
              name: name as BandwidthLimit['name'],
              bytesPerSecond: parseSize(limit, name),
              source: String(source),
            },
          ],
    );
    this.#poll();
    const title = `Bandwidth: ${this.#subject}`;
    return bandwidthFigure({ title, windows: this.#history.bandwidth(), limits });
  }

  toString(): string {
    return this.#draw().toString();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  [jupyterDisplay](): Promise<MimeBundle> {
    return this.#draw()[jupyterDisplay]();
  }

  /** Of what, and under which budgets; those of a closed session stay. */
  get #subject(): string {
    const budgets = this.#history.budgets.map(({ bytes }) => bytes ?? Number.POSITIVE_INFINITY);
    const [least, most] = [Math.min(...budgets), Math.max(...budgets)];
    const range = least < most ? `s ${formatBytes(least)} to ${formatBytes(most)}` : ` ${formatBytes(most)}`;
    return `${this.recorded.name}, budget${range}`;
  }

  #drawerOf(live: NonNullable<RecordOptions['live']>): () => Figure {
    const chart = typeof live === 'boolean' ? 'memory' : checkChoice('live', live, CHARTS);
    const figures = {
      memory: () => this.plot(),
      lanes: () => this.lanes(),
      residency: () => this.residencyMap(),
      bandwidth: () => this.bandwidth(),
    };
    return figures[chart];
  }

  #tick(): void {
    this.#poll();
    if (!this.#chart || performance.now() - this.#drawnMs < MS_BETWEEN_REDRAWS) return;
    this.#drawnMs = performance.now();
    this.#chart.update(this.#draw());
  }

  #poll(): void {
    const id = this.#stopped ? undefined : this.recorded.id();
    if (id !== undefined) this.#history.poll(id);
  }
}
