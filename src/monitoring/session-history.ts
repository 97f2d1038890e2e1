/** What a recording knows of a session: the engine is asked now and then, and what it says is kept in histories of a bounded size. */
import type { BandwidthWindow, BudgetStep, MemoryMark, MemorySample, ResidencyWindow } from '../display';
import { LAYER_FIELDS, MEMORY_TAGS, type NativeMemory, native, RESIDENT_FIELD } from '../native';
import { BandwidthHistory } from './bandwidth-history';
import { type EngineEvent, readEvents } from './events';
import { Newest } from './newest';
import { ResidencyHistory } from './residency-history';
import { type RecordedLayer, SpanHistory } from './span-history';
import { SampleHistory } from './timeline';

const MOST_MARKS = 10_000;
const MOST_BUDGETS = 1000;

/** Times are milliseconds of `performance.now()`, sizes bytes. */
export class SessionHistory {
  readonly spans: SpanHistory;
  readonly #samples = new SampleHistory();
  readonly #marks = new Newest<MemoryMark>(MOST_MARKS);
  readonly #residency: ResidencyHistory;
  readonly #bandwidth: BandwidthHistory;
  /** added to the engine's clock, it gives performance.now() */
  readonly #clockOffsetMs = performance.now() - native().clockMs();
  readonly #budgets: BudgetStep[] = [];
  #lost = 0;
  #peak = 0;
  #nowMs = performance.now();

  constructor(private readonly layers: readonly RecordedLayer[]) {
    const bytes = layers.map((layer) => layer.bytes);
    this.#residency = new ResidencyHistory(bytes, this.#nowMs);
    this.#bandwidth = new BandwidthHistory(this.#nowMs);
    this.spans = new SpanHistory(layers, (span) => this.#bandwidth.add(span));
  }

  /** the limit from each moment on at which another was seen, the last 1,000 times */
  get budgets(): readonly BudgetStep[] {
    return this.#budgets;
  }

  get samples(): readonly MemorySample[] {
    return this.#samples.list();
  }

  get marks(): readonly MemoryMark[] {
    return this.#marks.list();
  }

  /** events that came faster than they were taken */
  get lost(): number {
    return this.#lost;
  }

  /** marks that were too many, the oldest */
  get droppedMarks(): number {
    return this.#marks.dropped;
  }

  residency(): ResidencyWindow[] {
    return this.#residency.windows(this.#nowMs);
  }

  bandwidth(): BandwidthWindow[] {
    return this.#bandwidth.windows(this.#nowMs);
  }

  /** Takes the state of a session at this moment, and the events that the engine has kept. */
  poll(session: number): void {
    const look = this.#look(session);
    const memory = native().sessionMemory(session);
    const now = sampleOf(memory);
    const { events: rows, lost } = native().drainEvents(session);
    const events = readEvents(rows, this.#clockOffsetMs);
    if (lost > 0) this.#forget(lost);
    const moments: Moment[] = events.map((event) => ({
      timeMs: event.timeMs,
      take: () => this.#take(event),
    }));
    if (!this.#residency.isKnown && isOfOneMoment(look, events, lost > 0))
      moments.push({ timeMs: look.fromMs, take: () => this.#residency.look(look.fromMs, look.bytes) });
    moments.push({ timeMs: now.timeMs, take: () => this.#sample(now) });
    // Threads note events in turns, not quite in the order of their clocks.
    for (const { take } of moments.sort((a, b) => a.timeMs - b.timeMs)) take();
    this.#nowMs = now.timeMs;
    this.#noteBudget(Number.isFinite(memory.budget) ? memory.budget : null);
  }

  #noteBudget(bytes: number | null): void {
    if (this.#budgets.length > 0 && this.#budgets.at(-1)!.bytes === bytes) return;
    this.#budgets.push({ timeMs: this.#nowMs, bytes });
    if (this.#budgets.length > MOST_BUDGETS) this.#budgets.shift();
  }

  #look(session: number): Look {
    const fromMs = native().clockMs() + this.#clockOffsetMs;
    const { layers } = native().sessionLoading(session);
    const toMs = native().clockMs() + this.#clockOffsetMs;
    return { fromMs, toMs, bytes: layers.filter((_, field) => field % LAYER_FIELDS === RESIDENT_FIELD) };
  }

  /** What is missing came after the last poll. */
  #forget(lost: number): void {
    this.#lost += lost;
    this.spans.forgetBegun();
    this.#residency.forget(this.#nowMs);
  }

  #take(event: EngineEvent): void {
    const { bytes, kind, layer, timeMs } = event;
    this.#sample(event);
    this.spans.take(event);
    if (kind !== 'load' && kind !== 'evict') return;
    this.#residency.change(timeMs, layer, kind === 'load' ? bytes : -bytes);
    this.#marks.add({ timeMs, kind, layer: this.layers[layer]?.name ?? '', bytes });
  }

  #sample({ timeMs, currentBytes, peakBytes, reservedBytes, byTag }: MemorySample): void {
    // The two clocks differ by microseconds; a peak never falls.
    this.#peak = Math.max(this.#peak, peakBytes);
    this.#samples.add({
      timeMs,
      currentBytes,
      peakBytes: this.#peak,
      reservedBytes: reservedBytes ?? 0,
      byTag,
    });
  }
}

interface Moment {
  readonly timeMs: number;
  readonly take: () => void;
}

/** What was resident of each layer at some time between two. */
interface Look {
  readonly fromMs: number;
  readonly toMs: number;
  readonly bytes: Float64Array;
}

/** Whether nothing came or went meanwhile, and all that did so afterwards is known. */
function isOfOneMoment({ fromMs, toMs }: Look, events: readonly EngineEvent[], isCut: boolean): boolean {
  const isBefore = !isCut || (events.length > 0 && events[0]!.timeMs < fromMs);
  return isBefore && !events.some(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs);
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
