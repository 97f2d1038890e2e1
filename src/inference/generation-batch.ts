/** Several generations at once, in passes that they share, as one asynchronous iterator. */
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import type { Generation, GenerationResult, Token } from './generation';
import type { SharedPasses } from './shared-passes';

/** One generated token of one of the prompts. */
export interface BatchToken extends Token {
  /** which prompt it continues: 0 for the first */
  readonly prompt: number;
}

/**
 * Tokens of all prompts as they are generated: one of each that has not ended, in the order of the prompts, then the next of
 * each. Every prompt gets what `generate` would give it alone. It begins when the first token is asked for, and can be
 * iterated once.
 *
 * @example
 * ```ts
 * const model = await openModel('model');
 * const session = model.session({ budget: '64 MiB' });
 * const prompts = [[1, 2, 3], [4, 5]];
 * for await (const { prompt, id } of session.generateBatch(prompts, { maxTokens: 4 })) prompts[prompt]; // continued by id
 * const texts = await session.generateBatch(prompts, { maxTokens: 4 }).texts(); // all at once
 * texts.length; // 2
 * ```
 */
export class GenerationBatch implements AsyncIterableIterator<BatchToken> {
  readonly #tokens: AsyncGenerator<BatchToken, void>;

  constructor(
    private readonly generations: readonly Generation[],
    private readonly shared: SharedPasses,
    private readonly leave: AbortController,
  ) {
    this.#tokens = this.#run();
  }

  /** What each prompt has been given so far. */
  get results(): readonly GenerationResult[] {
    return this.generations.map(({ result }) => result);
  }

  /** Runs to the end and gives the text of each prompt. */
  async texts(): Promise<string[]> {
    for await (const _ of this.#tokens);
    return this.results.map(({ text }) => text);
  }

  next(): Promise<IteratorResult<BatchToken, void>> {
    return this.#tokens.next();
  }

  /** Ends all generations; a step that is running is cancelled. */
  async return(): Promise<IteratorResult<BatchToken, void>> {
    this.leave.abort();
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
    return this.generations.map((generation, index) => `${index}: ${generation}`).join('\n');
  }

  [jupyterDisplay](): MimeBundle {
    const table = new Table(
      [
        { label: 'prompt' },
        { label: 'prompt tokens', unit: 'count' },
        { label: 'tokens', unit: 'count' },
        { label: 'time to first token', unit: 'duration' },
        { label: 'tokens per second', unit: 'number' },
        { label: 'text' },
      ],
      this.results.map(({ ids, text, promptTokens, timeToFirstTokenMs, tokensPerSecond }, index) => [
        String(index),
        promptTokens,
        ids.length,
        timeToFirstTokenMs,
        tokensPerSecond,
        text,
      ]),
    );
    return table[jupyterDisplay]();
  }

  async *#run(): AsyncGenerator<BatchToken, void> {
    let live = this.generations.map((generation, prompt) => ({ generation, prompt }));
    try {
      while (live.length > 0) {
        const steps = live.map(async ({ generation, prompt }) => {
          const step = await generation.next();
          return step.done ? undefined : { ...step.value, prompt };
        });
        const tokens = await Promise.all(steps);
        live = live.filter(({ generation, prompt }) => {
          if (generation.result.finishReason === null) return true;
          this.shared.leave(prompt);
          return false;
        });
        for (const token of tokens) if (token) yield token;
      }
    } finally {
      for (const prompt of this.generations.keys()) this.shared.leave(prompt);
    }
  }
}
