/** A session: one model run inside one budget, with its own KV cache, counters and threads. */
import { checkChoice, checkInteger } from '../checks';
import { type Figure, fragmentationFigure, jupyterDisplay, type MimeBundle, Table } from '../display';
import { HyperionError } from '../errors';
import { Handle } from '../memory/handle';
import { AllocationTrace } from '../memory/trace';
import { resolveSignal } from '../model/signal';
import { SessionMemory } from '../monitoring/counters';
import { memoryMap } from '../monitoring/fragmentation';
import { Recording, type RecordOptions } from '../monitoring/recording';
import { type NativeGraph, type NativeSessionOptions, type NativeStatistics, native } from '../native';
import { formatBytes, formatCount } from '../units';
import { LookupDecoder, StepDecoder } from './decoder';
import { Generation } from './generation';
import { GenerationBatch } from './generation-batch';
import { Hidden, type Pooling } from './hidden';
import { Logits } from './logits';
import { type BatchOptions, checkPrompts, type GenerateOptions } from './options';
import { Passes } from './passes';
import { type Prompt, readPrompt } from './prompt';
import { type GeneratingModel, resolveRequest, roomAfter } from './request';
import { SessionHolder } from './session-holder';
import { SharedPasses } from './shared-passes';

/** What a session needs of its model. */
export interface SessionModel extends GeneratingModel {
  readonly name: string;
  readonly layerNames: readonly string[];
  /** numbers of a token's hidden state */
  readonly width: number;
  readonly result: NativeGraph['result']['kind'];
}

/** What a session has done since it began. Sizes in bytes, times in milliseconds. */
export interface SessionStatistics extends Omit<NativeStatistics, 'residentLayers'> {
  /** names of the layers whose weights are in memory */
  readonly residentLayers: readonly string[];
}

export interface ForwardOptions {
  /** Continues the sequence of the call before instead of beginning a new one. Default false. */
  readonly append?: boolean;
  /** Ends the pass with `CANCELLED`. In a notebook an interrupt of the cell does so too. */
  readonly signal?: AbortSignal | undefined;
}

export interface PoolingOptions {
  /** How the vectors of the tokens become one. Default 'mean'. */
  readonly pooling?: Pooling;
  /** Ends the pass with `CANCELLED`. In a notebook an interrupt of the cell does so too. */
  readonly signal?: AbortSignal;
}

/**
 * A model that runs inside a budget. One call at a time: a second one while the first runs is `INVALID`. Its memory is
 * given back by `close()`.
 *
 * @example
 * ```ts
 * const model = await openModel('model');
 * const session = model.session({ budget: '64 MiB', threads: 2 });
 * const text = await session.generate([1, 2, 3], { maxTokens: 8 }).text();
 * session.memory.peak <= session.budget; // true
 * session.close();
 * ```
 */
export class Session<Model extends SessionModel = SessionModel> {
  /** bytes; Infinity when there is no limit */
  readonly budget: number;
  readonly threads: number;
  /** resolves when the session is closed and its memory given back */
  readonly closed: Promise<void>;
  readonly #handle: Handle;
  readonly #holder: SessionHolder;
  readonly #options: NativeSessionOptions;
  readonly #passes: Passes;
  #recording: Recording | undefined;

  /** Sessions come from `model.session()`. */
  constructor(
    readonly model: Model,
    id: number,
    options: NativeSessionOptions,
  ) {
    this.budget = options.budget;
    this.threads = options.threads;
    this.#options = options;
    const { promise, resolve } = deferred();
    this.closed = promise;
    // Nothing in this scope may capture `this`: the finalizer would then keep alive what it waits for.
    const holder = new SessionHolder(id, model.name, options.memory.strategy);
    this.#holder = holder;
    this.#handle = new Handle(this, 'session', id, () => resolve(holder.close()));
    this.#passes = new Passes(this.#handle, this);
  }

  /** The session's byte counters at this moment. */
  get memory(): SessionMemory {
    return new SessionMemory(native().sessionMemory(this.#handle.get()));
  }

  get statistics(): SessionStatistics {
    const statistics = native().sessionStatistics(this.#handle.get());
    const residentLayers = statistics.residentLayers.map((index) => this.model.layerNames[index]!);
    return { ...statistics, residentLayers };
  }

  /** Names of the layers that it holds now; none once it is closed. */
  get heldLayers(): readonly string[] {
    return this.#handle.closed ? [] : this.statistics.residentLayers;
  }

  /** Tokens that are in the KV cache, of all prompts of a batch. */
  get position(): number {
    return native().sessionStatistics(this.#handle.get()).position;
  }

  /**
   * Generates tokens that continue a prompt, from an empty KV cache. Everything is checked by this call; the work begins
   * when the first token is asked for.
   *
   * @throws HyperionError `INVALID` for a prompt, an option or an encoder, `OVER_BUDGET` when the tokens do not fit into the
   *   budget, `CLOSED`; while iterating also `CANCELLED`, `IO`, `CORRUPT`
   * @example
   * ```ts
   * const model = await openModel('model');
   * const session = model.session();
   * for await (const { id, text } of session.generate([1, 2, 3], { maxTokens: 2, temperature: 0.8, seed: 7 })) {
   *   id; // a token of the vocabulary
   * }
   * ```
   */
  generate(prompt: Prompt, options: GenerateOptions = {}): Generation {
    const handle = this.#handle.get();
    this.#mustGive('logits');
    const leave = new AbortController();
    const signal = resolveSignal(options.signal, leave.signal);
    const request = resolveRequest(prompt, this.model, options, { signal, leave });
    native().reserve(handle, [request.length]);
    const sequence = this.#passes.sequence();
    const decoder =
      request.speculate === 'none' ? new StepDecoder(sequence) : new LookupDecoder(sequence, request.length);
    return new Generation(request, decoder);
  }

  /**
   * Continues several prompts at once. They share every pass, so that weights are loaded once for all of them; one that has
   * ended gives its memory back. Each gets the tokens that `generate` would give it alone, with the same seed.
   *
   * @throws HyperionError as `generate` does; `OVER_BUDGET` when the tokens of all prompts do not fit together
   * @example
   * ```ts
   * const model = await openModel('model');
   * const session = model.session();
   * const [one, two] = await session.generateBatch([[1, 2, 3], [4, 5, 6, 7]], { maxTokens: 8 }).texts();
   * one === (await session.generate([1, 2, 3], { maxTokens: 8 }).text()); // true
   * ```
   */
  generateBatch(prompts: readonly Prompt[], options: BatchOptions = {}): GenerationBatch {
    const handle = this.#handle.get();
    this.#mustGive('logits');
    checkPrompts(prompts, options);
    const leave = new AbortController();
    const signal = resolveSignal(options.signal, leave.signal);
    const requests = prompts.map((prompt) => resolveRequest(prompt, this.model, options, { signal, leave }));
    native().reserve(
      handle,
      requests.map(({ length }) => length),
    );
    const shared = new SharedPasses(this.#passes, signal);
    const generations = requests.map(
      (request, index) => new Generation(request, new StepDecoder(shared.sequence(index))),
    );
    return new GenerationBatch(generations, shared, leave);
  }

  /**
   * Forgets the tokens of the sequence from `position` on and gives their memory back, so that something else can be
   * appended there. A generation that runs on the session ends.
   *
   * @throws HyperionError `INVALID` for a position that the sequence does not have, `CLOSED`
   * @example
   * ```ts
   * const model = await openModel('model');
   * const session = model.session();
   * await session.forward([1, 2, 3, 4]);
   * session.rewind(2);
   * await session.forward([5, 6], { append: true }); // the logits of [1, 2, 5, 6] from the third token on
   * ```
   */
  rewind(position: number): void {
    checkInteger('position', position, 0, this.position);
    this.#passes.claim().rewind(0, position);
  }

  /**
   * Computes the logits of every token of a text, from an empty KV cache or continuing the call before.
   *
   * @returns logits [T, vocab]; they are an array of JavaScript, outside of the budget
   * @throws HyperionError `INVALID`, `OVER_BUDGET`, `CANCELLED`, `IO`, `CORRUPT`, `CLOSED`
   * @example
   * ```ts
   * const model = await openModel('model');
   * const session = model.session();
   * const logits = await session.forward([1, 2, 3]);
   * logits.row(2).length === model.vocabularySize; // true
   * ```
   */
  async forward(prompt: Prompt, options: ForwardOptions = {}): Promise<Logits> {
    this.#mustGive('logits');
    const { vocabularySize, tokenizer } = this.model;
    const data = await this.#compute(prompt, vocabularySize, options);
    return new Logits(data, [data.length / vocabularySize, vocabularySize], tokenizer);
  }

  /**
   * Computes the last hidden state of every token of a text, with an encoder. The whole text is computed in one piece.
   *
   * @throws HyperionError `INVALID` for a prompt or a decoder, `OVER_BUDGET`, `CANCELLED`, `IO`, `CORRUPT`, `CLOSED`
   * @example
   * ```ts
   * const encoder = await openModel('encoder');
   * const hidden = await encoder.session().hidden([1, 2, 3]);
   * hidden.shape[0]; // 3
   * hidden.row(2).length === encoder.width; // true
   * ```
   */
  async hidden(prompt: Prompt, options: Omit<ForwardOptions, 'append'> = {}): Promise<Hidden> {
    this.#mustGive('hidden');
    const { width } = this.model;
    const data = await this.#compute(prompt, width, { signal: options.signal });
    return new Hidden(data, [data.length / width, width]);
  }

  /**
   * One vector for a text, with an encoder: texts that mean the like have vectors that point the same way.
   *
   * @returns `width` numbers, not normalized
   * @throws HyperionError as `hidden` does, and `INVALID` for an option
   * @example
   * ```ts
   * const encoder = await openModel('encoder');
   * const session = encoder.session();
   * const vector = await session.encode([1, 2, 3], { pooling: 'cls' });
   * vector.length === encoder.width; // true
   * ```
   */
  async encode(prompt: Prompt, options: PoolingOptions = {}): Promise<Float32Array> {
    const pooling = checkChoice('pooling', options.pooling ?? 'mean', ['mean', 'cls']);
    return (await this.hidden(prompt, { signal: options.signal })).pooled(pooling);
  }

  /** Forgets the sequence: the KV cache is emptied and its memory given back. Weights stay. */
  reset(): void {
    this.#passes.restart();
  }

  /**
   * Records memory, loads and evictions from now on. A recording that runs already is stopped first.
   *
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
    this.#handle.get();
    this.#recording?.stop();
    const id = () => (this.#handle.closed ? undefined : this.#handle.get());
    const title = `Memory of ${this.model.name}, budget ${formatBytes(this.budget)}, ${this.#options.memory.strategy}`;
    this.#recording = new Recording({ title, layers: this.model.layerNames, id }, options);
    return this.#recording;
  }

  /** Where its blocks and holes lie, as a picture. @throws HyperionError `CLOSED` */
  plotMemory(): Figure {
    this.#handle.get();
    return fragmentationFigure(memoryMap(this.#holder));
  }

  /** Follows every block that the session takes and gives back, to be replayed. A trace that runs already is begun anew. */
  startTrace(): void {
    native().startSessionTrace(this.#handle.get());
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
    const { initialPoolSize, ...trace } = native().takeSessionTrace(this.#handle.get());
    const { budget, memory } = this.#options;
    const source = { ...memory, initialPoolSize };
    const config = { budget, limit: Number.POSITIVE_INFINITY, source };
    return AllocationTrace.of(`session of ${this.model.name}`, config, trace);
  }

  /** Cancels what runs and gives the memory back; `closed` resolves when that is done. Doing it again does nothing. */
  close(): void {
    if (this.#handle.closed) return;
    this.#recording?.stop();
    this.#handle.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  toString(): string {
    if (this.#handle.closed) return `Session of ${this.model.name}: closed`;
    const { current, peak } = this.memory;
    const limit = formatBytes(this.budget);
    return `Session of ${this.model.name}: ${formatBytes(current)} now, ${formatBytes(peak)} at most, budget ${limit}`;
  }

  [jupyterDisplay](): MimeBundle {
    if (this.#handle.closed) return { 'text/plain': this.toString() };
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

  #mustGive(result: SessionModel['result']): void {
    if (this.model.result === result) return;
    const [is, use] =
      result === 'hidden'
        ? ['a decoder: it gives logits', 'forward() or generate()']
        : ['an encoder: it gives hidden states and no logits', 'hidden() or encode()'];
    throw new HyperionError('INVALID', `${this.model.name} is ${is}; use ${use}`);
  }

  /** The results of every token of a text, `width` numbers for each. */
  async #compute(prompt: Prompt, width: number, options: ForwardOptions): Promise<Float32Array> {
    const ids = readPrompt(prompt, this.model);
    const cached = options.append ? this.position : 0;
    roomAfter(cached + ids.length, this.model.contextLength);
    native().reserve(this.#handle.get(), [cached + ids.length]);
    const results = new Float32Array(ids.length * width);
    const turn = options.append ? this.#passes.claim() : this.#passes.restart();
    await turn.run([{ sequence: 0, ids, rows: 'all' }], results, resolveSignal(options.signal));
    return results;
  }
}

/**
 * The same as `session.record(options)`.
 *
 * @example
 * ```ts
 * const model = await openModel('model');
 * const session = model.session({ budget: '64 MiB' });
 * const recording = record(session, { live: true });
 * await session.forward([1, 2, 3]);
 * recording.stop();
 * ```
 */
export function record(session: Session, options?: RecordOptions): Recording {
  return session.record(options);
}

function deferred(): { promise: Promise<void>; resolve: (end: Promise<void>) => void } {
  let resolve!: (end: Promise<void>) => void;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
