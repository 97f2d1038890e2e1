/** A session: one model run inside one budget, with its own KV cache. What it computes; the rest is `EngineSession`. */
import { checkChoice, checkInteger } from '../checks';
import { HyperionError } from '../errors';
import { resolveSignal } from '../model/signal';
import type { Recording, RecordOptions } from '../monitoring/recording';
import { LookupDecoder, StepDecoder } from './decoder';
import type { Engine } from './engine';
import { EngineSession, type SessionModel } from './engine-session';
import { Generation } from './generation';
import { GenerationBatch } from './generation-batch';
import { Hidden, type Pooling } from './hidden';
import { Logits } from './logits';
import { type BatchOptions, checkPrompts, type GenerateOptions } from './options';
import { Passes } from './passes';
import { type Prompt, readPrompt } from './prompt';
import { resolveRequest, roomAfter } from './request';
import { SharedPasses } from './shared-passes';

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

/** Who keeps the sessions of a model. */
export interface SessionHome<Model extends SessionModel> {
  add(session: Session<Model>): void;
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
export class Session<Model extends SessionModel = SessionModel> extends EngineSession<Model> {
  readonly #passes: Passes;

  /** Sessions come from `model.session()`. */
  constructor(
    model: Model,
    engine: Engine,
    private readonly home: SessionHome<Model>,
  ) {
    super(model, engine);
    this.#passes = new Passes(this.handle, engine, this.seat, this);
    home.add(this);
  }

  /** Tokens that are in the KV cache, of all prompts of a batch. */
  get position(): number {
    this.handle.get();
    return this.#passes.position;
  }

  /**
   * Another session on the same weights, under the same budget: with a sequence of its own, and passes that take turns with those of
   * this one. What either computes is the same to the bit as alone. Memory, statistics, recordings and the budget are those of all
   * sessions that share; closing one leaves the others.
   *
   * @throws HyperionError `CLOSED`
   * @example
   * ```ts
   * const model = await openModel('model');
   * const session = model.session({ budget: '4 MiB' });
   * const other = session.share();
   * const texts = await Promise.all([session, other].map((one) => one.generate([1, 2, 3], { maxTokens: 4 }).text()));
   * texts[0] === texts[1]; // true
   * other.close();
   * ```
   */
  share(): Session<Model> {
    this.handle.get();
    return new Session(this.model, this.engine, this.home);
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
    this.handle.get();
    this.#mustGive('logits');
    const leave = new AbortController();
    const signal = resolveSignal(options.signal, leave.signal);
    const request = resolveRequest(prompt, this.model, options, { signal, leave });
    this.#passes.reserve([request.length]);
    const sequence = this.#passes.sequence(request.length);
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
    this.handle.get();
    this.#mustGive('logits');
    checkPrompts(prompts, options);
    const leave = new AbortController();
    const signal = resolveSignal(options.signal, leave.signal);
    const requests = prompts.map((prompt) => resolveRequest(prompt, this.model, options, { signal, leave }));
    this.#passes.reserve(requests.map(({ length }) => length));
    const shared = new SharedPasses(this.#passes, signal);
    const generations = requests.map(
      (request, index) => new Generation(request, new StepDecoder(shared.sequence(index, request.length))),
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
    this.#passes.reserve([cached + ids.length]);
    const room = this.#passes.prepare([cached + ids.length]);
    if (room) await room;
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
