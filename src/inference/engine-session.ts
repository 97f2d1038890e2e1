/** What a session is apart from what it computes: its budget and memory, how they are watched, and its life. */
import { type Figure, fragmentationFigure, jupyterDisplay, type MimeBundle, Table } from '../display';
import { LoadingView } from '../loading/loading-view';
import { parseBudget } from '../memory/budget';
import type { BudgetGroup } from '../memory/budget-group';
import { Handle } from '../memory/handle';
import { AllocationTrace } from '../memory/trace';
import { SessionMemory } from '../monitoring/counters';
import { memoryMap } from '../monitoring/fragmentation';
import { Recording, type RecordOptions } from '../monitoring/recording';
import type { RecordedLayer } from '../monitoring/span-history';
import { type NativeGraph, type NativeStatistics, native } from '../native';
import { formatBytes, formatCount } from '../units';
import type { Engine } from './engine';
import { sharedBudget } from './options';
import type { GeneratingModel } from './request';
import type { Seat } from './sequences';

/** What a session needs of its model. */
export interface SessionModel extends GeneratingModel {
  readonly name: string;
  readonly layerNames: readonly string[];
  readonly layers: readonly RecordedLayer[];
  /** numbers of a token's hidden state */
  readonly width: number;
  readonly result: NativeGraph['result']['kind'];
}

/** What a session has done since it began. Sizes in bytes, times in milliseconds. */
export interface SessionStatistics extends Omit<NativeStatistics, 'residentLayers'> {
  /** names of the layers whose weights are in memory */
  readonly residentLayers: readonly string[];
}

/** Made as a `Session` only. */
export abstract class EngineSession<Model extends SessionModel = SessionModel> {
  /** resolves when the session is closed and its memory given back */
  readonly closed: Promise<void>;
  protected readonly handle: Handle;
  protected readonly seat: Seat;
  #recording: Recording | undefined;

  /** Sessions come from `model.session()`. */
  constructor(
    readonly model: Model,
    protected readonly engine: Engine,
  ) {
    const seat = engine.join();
    this.seat = seat;
    const { promise, resolve } = deferred();
    this.closed = promise;
    // Nothing in this scope may capture `this`: the finalizer would then keep alive what it waits for.
    this.handle = new Handle(this, 'session', engine.id, () => resolve(engine.leave(seat)));
  }

  get threads(): number {
    return this.engine.options.threads;
  }

  /** Bytes that the session may hold; Infinity when there is no limit. */
  get budget(): number {
    return this.engine.budget;
  }

  /**
   * Gives the session another budget, also in the middle of a generation: from the next part of a layer on nothing is taken beyond it.
   * Weights give way first, and no bit of the output changes. Resolves when no more is held than it says. 'auto' and a
   * group are what they are as options; a size leaves them.
   *
   * @throws HyperionError `OVER_BUDGET` with `details.smallestBudgetBytes` below what the sequences, a running pass and a running
   *   generation need, with weights in the parts that they were cut into when the session was created; `INVALID` for what is no size, or
   *   below the pool of a static strategy, which cannot shrink; `CLOSED`. The budget stays as it was then.
   * @example
   * ```ts
   * const model = await openModel('model');
   * const session = model.session({ budget: '64 MiB' });
   * const generation = session.generate([1, 2, 3], { maxTokens: 8 });
   * for await (const { index } of generation) if (index === 3) await session.setBudget('2 MiB');
   * session.budget; // 2097152
   * session.memory.reserved <= session.budget; // true
   * ```
   */
  async setBudget(budget: number | string | BudgetGroup): Promise<void> {
    this.handle.get();
    const shared = sharedBudget(budget);
    if (shared) return this.engine.follow(shared);
    const bytes = parseBudget((budget as number | string) ?? Number.NaN);
    await this.engine.follow(undefined);
    await this.engine.changeBudget(bytes);
  }

  /** The session's byte counters at this moment. */
  get memory(): SessionMemory {
    return new SessionMemory(native().sessionMemory(this.handle.get()));
  }

  get statistics(): SessionStatistics {
    const statistics = native().sessionStatistics(this.handle.get());
    const residentLayers = statistics.residentLayers.map((index) => this.model.layerNames[index]!);
    return { ...statistics, residentLayers };
  }

  /** How its weights are loaded: states of layers, statistics, and why it is as it is. */
  get loader(): LoadingView {
    const id = () => this.handle.get();
    return new LoadingView({
      what: 'session',
      policy: this.engine.options.policy,
      layerNames: this.model.layerNames,
      budget: () => this.budget,
      loading: () => native().sessionLoading(id()),
      statistics: () => native().sessionStatistics(id()),
      setPriority: (layer, priority) => native().setSessionPriority(id(), layer, priority),
    });
  }

  /** Names of the layers that it holds now; none once it is closed. */
  get heldLayers(): readonly string[] {
    return this.handle.closed ? [] : this.statistics.residentLayers;
  }

  /**
   * Records memory, reads, computes and stalls from now on. A recording that runs already is stopped first.
   *
   * @throws HyperionError `INVALID` for an option, `CLOSED`
   * @example
   * ```ts
   * const model = await openModel('model');
   * const session = model.session({ budget: '64 MiB' });
   * const recording = session.record();
   * await session.forward([1, 2, 3]);
   * const figure = recording.plot();
   * ```
   */
  record(options: RecordOptions = {}): Recording {
    this.handle.get();
    this.engine.recording?.deref()?.stop();
    const id = () => (this.handle.closed ? undefined : this.handle.get());
    const { layers, name } = this.model;
    const { strategy } = this.engine.options.memory;
    this.#recording = new Recording({ name, strategy, layers, id }, options);
    this.engine.recording = new WeakRef(this.#recording);
    return this.#recording;
  }

  /** Where its blocks and holes lie, as a picture. @throws HyperionError `CLOSED` */
  plotMemory(): Figure {
    this.handle.get();
    return fragmentationFigure(memoryMap(this.engine.holder));
  }

  /** Follows every block that the session takes and gives back, to be replayed. A trace that runs already is begun anew. */
  startTrace(): void {
    native().startSessionTrace(this.handle.get());
  }

  /**
   * Ends the trace.
   *
   * @throws HyperionError `INVALID` when none runs, `CLOSED`
   * @example
   * ```ts
   * const model = await openModel('model');
   * const session = model.session({ strategy: 'pooled' });
   * session.startTrace();
   * await session.forward([1, 2, 3]);
   * const { rows } = await replay(session.stopTrace());
   * rows[0].reservedPeak === session.memory.reservedPeak; // true
   * ```
   */
  stopTrace(): AllocationTrace {
    const { initialPoolSize, ...trace } = native().takeSessionTrace(this.handle.get());
    const source = { ...this.engine.options.memory, initialPoolSize };
    const config = { budget: this.engine.largestBudget, limit: Number.POSITIVE_INFINITY, source };
    return AllocationTrace.of(`session of ${this.model.name}`, config, trace);
  }

  /** Cancels what runs and gives the memory back; `closed` resolves when that is done. Doing it again does nothing. */
  close(): void {
    if (this.handle.closed) return;
    this.#recording?.stop();
    this.handle.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  toString(): string {
    if (this.handle.closed) return `Session of ${this.model.name}: closed`;
    const { current, peak } = this.memory;
    const limit = formatBytes(this.budget);
    return `Session of ${this.model.name}: ${formatBytes(current)} now, ${formatBytes(peak)} at most, budget ${limit}`;
  }

  [jupyterDisplay](): MimeBundle {
    if (this.handle.closed) return { 'text/plain': this.toString() };
    const { tokens, loads, evictions, bytesRead, stallMs, io } = this.statistics;
    const rows = [
      ['memory', `${formatBytes(this.memory.current)} now, ${formatBytes(this.memory.peak)} at most`],
      ['budget', formatBytes(this.budget)],
      ['threads', String(this.threads)],
      ['tokens computed', formatCount(tokens)],
      ['layers loaded, evicted', `${formatCount(loads)}, ${formatCount(evictions)}`],
      ['bytes read', `${formatBytes(bytesRead)}, ${io}`],
      ['waited for reads', `${stallMs.toFixed(0)} ms`],
    ];
    return new Table([{ label: 'session' }, { label: this.model.name }], rows)[jupyterDisplay]();
  }
}

function deferred(): { promise: Promise<void>; resolve: (end: Promise<void>) => void } {
  let resolve!: (end: Promise<void>) => void;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
