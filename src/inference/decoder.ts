/** What a generation asks of its sequence, token by token; with prompt-lookup speculation several of them in one pass. */
import type { Sequence } from './passes';

/** Gives the logits that follow the tokens of one generation. */
export interface Decoder {
  /** takes the prompt, and then one token at a time; writes the logits of the last */
  decode(ids: Int32Array, logits: Float32Array, signal: AbortSignal): Promise<void>;
  /** the generation has ended: its sequence keeps the tokens that were taken, and no other */
  end(): void;
  readonly statistics: DecodingStatistics;
}

/** What it took to compute the tokens of a generation. */
export interface DecodingStatistics {
  /** forward passes, the prompt's included */
  readonly passes: number;
  /** tokens that were computed on trial, because they came next in an earlier part of the text */
  readonly proposed: number;
  /** those of them that were generated indeed: each saved a pass */
  readonly accepted: number;
}

/** One pass for each token. */
export class StepDecoder implements Decoder {
  #passes = 0;

  constructor(private readonly sequence: Sequence) {}

  get statistics(): DecodingStatistics {
    return { passes: this.#passes, proposed: 0, accepted: 0 };
  }

  async decode(ids: Int32Array, logits: Float32Array, signal: AbortSignal): Promise<void> {
    await this.sequence.append(ids, 'last', logits, signal);
    this.#passes += 1;
  }

  end(): void {
    this.sequence.end();
  }
}

/** With the token before them, as many as the smallest chunk of a pass: more would ask for more memory. */
const MOST_PROPOSED = 7;
const NGRAMS = [3, 2];

/**
 * Computes the tokens that are likely to come in the pass of the token before them. Logits are the same bits whatever
 * they are computed together with, and the tokens are chosen from them as ever, so that the output is the same.
 */
export class LookupDecoder implements Decoder {
  readonly #tokens: number[] = [];
  #proposals: readonly number[] = [];
  /** how many of the proposals were taken */
  #taken = 0;
  /** logits after the token before the proposals, and after each of them */
  #rows = new Float32Array(0);
  #statistics = { passes: 0, proposed: 0, accepted: 0 };

  /** @param mostTokens the sequence never has more */
  constructor(
    private readonly sequence: Sequence,
    private readonly mostTokens: number,
  ) {}

  get statistics(): DecodingStatistics {
    return { ...this.#statistics };
  }

  async decode(ids: Int32Array, logits: Float32Array, signal: AbortSignal): Promise<void> {
    if (ids.length === 1 && ids[0] === this.#proposals[this.#taken]) {
      this.#tokens.push(ids[0]!);
      this.#taken += 1;
      this.#statistics.accepted += 1;
      logits.set(this.#row(this.#taken, logits.length));
      return;
    }
    this.#dropProposals();
    this.#tokens.push(...ids);
    const proposals = ids.length === 1 ? this.#propose() : [];
    if (proposals.length === 0) {
      await this.sequence.append(ids, 'last', logits, signal);
    } else {
      const needed = (proposals.length + 1) * logits.length;
      if (this.#rows.length < needed) this.#rows = new Float32Array((MOST_PROPOSED + 1) * logits.length);
      const tried = Int32Array.of(ids[0]!, ...proposals);
      await this.sequence.append(tried, 'all', this.#rows.subarray(0, needed), signal);
      logits.set(this.#row(0, logits.length));
      this.#proposals = proposals;
      this.#statistics.proposed += proposals.length;
    }
    this.#statistics.passes += 1;
  }

  end(): void {
    this.#dropProposals();
    this.sequence.end();
  }

  #dropProposals(): void {
    if (this.#taken < this.#proposals.length) this.sequence.rewind(this.#tokens.length);
    this.#proposals = [];
    this.#taken = 0;
  }

  #row(index: number, width: number): Float32Array {
    return this.#rows.subarray(index * width, (index + 1) * width);
  }

  #propose(): number[] {
    return lookUp(this.#tokens, Math.min(MOST_PROPOSED, this.mostTokens - this.#tokens.length));
  }
}

/**
 * The tokens that followed the last three where these stood before, the latest time of several; else those after the last
 * two; none where these are new. What repeats itself up to the end is taken to go on doing so.
 */
export function lookUp(tokens: readonly number[], most: number): number[] {
  const end = tokens.length;
  for (const length of NGRAMS) {
    for (let begin = end - length - 1; begin >= 0; begin -= 1) {
      if (!repeatsEnd(tokens, begin, length)) continue;
      const found: number[] = [];
      for (let next = begin + length; found.length < most; next += 1)
        found.push(next < end ? tokens[next]! : found[next - end]!);
      return found;
    }
  }
  return [];
}

function repeatsEnd(tokens: readonly number[], begin: number, length: number): boolean {
  for (let i = 0; i < length; i += 1)
    if (tokens[begin + i] !== tokens[tokens.length - length + i]) return false;
  return true;
}
