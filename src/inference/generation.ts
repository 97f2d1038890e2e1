/** One generation: prefill of the prompt, then a token at a time, as an asynchronous iterator. */
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import type { Decoder, DecodingStatistics } from './decoder';
import type { Request } from './request';
import { createSampler, logProbability } from './sampler';
import { StopWatch, TextStream } from './text-stream';

/** One generated token. */
export interface Token {
  readonly id: number;
  /** What it adds to the text: empty for special tokens, while a character is unfinished, or without a tokenizer. */
  readonly text: string;
  /** 0 for the first generated token */
  readonly index: number;
  /** natural logarithm of the probability that the model gave it, before temperature, top-k and top-p */
  readonly logProbability: number;
}

/** Why a generation ended: enough tokens, an end token of the model, a stop text; null while it has not. */
export type FinishReason = 'length' | 'end' | 'stop' | null;

/** What a generation has given so far, and how fast. Times and speeds are null until they are known. */
export interface GenerationResult {
  readonly ids: readonly number[];
  readonly text: string;
  readonly promptTokens: number;
  readonly finishReason: FinishReason;
  readonly timeToFirstTokenMs: number | null;
  readonly prefillTokensPerSecond: number | null;
  /** of the tokens after the first */
  readonly tokensPerSecond: number | null;
  readonly seed: number;
  /** of the steps taken: fewer than tokens where several were computed at once (`speculate`) */
  readonly decoding: DecodingStatistics;
}

/**
 * Tokens as they are generated. It begins when the first token is asked for; a generation can be iterated once.
 *
 * @example
 * ```ts
 * const model = await openModel('model');
 * const session = model.session({ budget: '64 MiB' });
 * for await (const token of session.generate([1, 2, 3], { maxTokens: 4 })) token.text; // as it comes
 * const text = await session.generate([1, 2, 3], { maxTokens: 4 }).text(); // all at once
 * ```
 */
export class Generation implements AsyncIterableIterator<Token> {
  readonly #tokens: AsyncGenerator<Token, void>;
  readonly #ids: number[] = [];
  #text = '';
  #finishReason: FinishReason = null;
  #beganMs: number | undefined;
  #firstMs: number | undefined;
  #lastMs: number | undefined;

  constructor(
    private readonly request: Request,
    private readonly decoder: Decoder,
  ) {
    this.#tokens = this.#run();
  }

  /** What has been generated so far. */
  get result(): GenerationResult {
    const { prompt, sampling } = this.request;
    const firstAfterMs = difference(this.#firstMs, this.#beganMs);
    const restMs = difference(this.#lastMs, this.#firstMs);
    return {
      ids: [...this.#ids],
      text: this.#text,
      promptTokens: prompt.length,
      finishReason: this.#finishReason,
      timeToFirstTokenMs: firstAfterMs,
      prefillTokensPerSecond: perSecond(prompt.length, firstAfterMs),
      tokensPerSecond: perSecond(this.#ids.length - 1, restMs),
      seed: sampling.seed,
      decoding: this.decoder.statistics,
    };
  }

  /** Runs to the end and gives the whole text. */
  async text(): Promise<string> {
    for await (const _ of this.#tokens);
    return this.#text;
  }

  next(): Promise<IteratorResult<Token, void>> {
    return this.#tokens.next();
  }

  /** Ends the generation; a step that is running is cancelled. */
  async return(): Promise<IteratorResult<Token, void>> {
    this.request.leave.abort();
    // A step that was cancelled by this very call is no failure of it.
    return this.#tokens.return().catch(() => ({ done: true as const, value: undefined }));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  toString(): string {
    return this.#beganMs === undefined
      ? 'Generation: not begun; iterate it, or await its text()'
      : this.#text;
  }

  [jupyterDisplay](): MimeBundle {
    const { text, ids, promptTokens, timeToFirstTokenMs, tokensPerSecond } = this.result;
    const table = new Table(
      [
        { label: 'prompt tokens', unit: 'count' },
        { label: 'tokens', unit: 'count' },
        { label: 'time to first token', unit: 'duration' },
        { label: 'tokens per second', unit: 'number' },
      ],
      [[promptTokens, ids.length, timeToFirstTokenMs, tokensPerSecond]],
      { caption: text },
    );
    return { ...table[jupyterDisplay](), 'text/plain': this.toString() };
  }

  async *#run(): AsyncGenerator<Token, void> {
    const { prompt, maxTokens, sampling, stops, tokenizer, signal } = this.request;
    const choose = createSampler(sampling);
    const stream = new TextStream(tokenizer, [...prompt.subarray(-16)]);
    const watch = new StopWatch(stops);
    const logits = new Float32Array(this.request.vocabularySize);
    this.#beganMs = performance.now();
    try {
      await this.decoder.decode(prompt, logits, signal);
      for (let index = 0; index < maxTokens; index += 1) {
        if (index > 0) await this.decoder.decode(Int32Array.of(this.#ids[index - 1]!), logits, signal);
        const id = choose(logits);
        this.#ids.push(id);
        let text = watch.push(stream.push(id));
        this.#finishReason = this.#reasonToFinish(id, watch.stopped);
        if (this.#finishReason) text += this.#finish(watch, stream);
        this.#text += text;
        this.#lastMs = performance.now();
        this.#firstMs ??= this.#lastMs;
        yield { id, text, index, logProbability: logProbability(logits, id) };
        if (this.#finishReason) return;
      }
    } finally {
      this.decoder.end();
    }
  }

  /** What the text lacks at its end. The session is as it stays before the last token is given. */
  #finish(watch: StopWatch, stream: TextStream): string {
    this.decoder.end();
    return watch.push(stream.end()) + watch.end();
  }

  #reasonToFinish(id: number, stopped: boolean): FinishReason {
    if (stopped) return 'stop';
    if (this.request.endIds.includes(id)) return 'end';
    return this.#ids.length === this.request.maxTokens ? 'length' : null;
  }
}

function difference(end: number | undefined, start: number | undefined): number | null {
  return end === undefined || start === undefined ? null : end - start;
}

function perSecond(count: number, ms: number | null): number | null {
  return ms === null || ms <= 0 || count <= 0 ? null : (count * 1000) / ms;
}
