/** What a forward pass gives: for each token, how likely each token of the vocabulary is to follow. */
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import { HyperionError } from '../errors';
import type { Tokenizer } from '../model/tokenizer';
import { logProbability } from './sampler';

/** A token that may follow. */
export interface Candidate {
  readonly id: number;
  /** as the vocabulary writes it; null without a tokenizer */
  readonly token: string | null;
  readonly logit: number;
  readonly probability: number;
}

/**
 * Logits [T, vocab], row by row: row t scores what follows token t.
 *
 * @example
 * ```ts
 * const model = await openModel('model');
 * const logits = await model.session().forward([1, 2, 3]);
 * logits.shape; // [3, model.vocabularySize]
 * logits.top(1)[0]!.id; // the token that most likely follows
 * ```
 */
export class Logits {
  constructor(
    readonly data: Float32Array,
    readonly shape: readonly [number, number],
    private readonly tokenizer: Tokenizer | null,
  ) {}

  /**
   * One row, as a view of `data`; the last one by default.
   *
   * @throws HyperionError `INVALID` when there is no such row
   */
  row(index = this.shape[0] - 1): Float32Array {
    const [rows, width] = this.shape;
    if (!(Number.isInteger(index) && index >= 0 && index < rows))
      throw new HyperionError('INVALID', `row is ${index}; it must be a whole number from 0 to ${rows - 1}`);
    return this.data.subarray(index * width, (index + 1) * width);
  }

  /** The `count` most likely tokens to follow row `index`, the likeliest first. */
  top(count = 10, index = this.shape[0] - 1): Candidate[] {
    const row = this.row(index);
    const ids = Array.from(row, (_, id) => id).sort((a, b) => row[b]! - row[a]! || a - b);
    return ids.slice(0, count).map((id) => ({
      id,
      token: this.tokenizer?.tokenOf(id) ?? null,
      logit: row[id]!,
      probability: Math.exp(logProbability(row, id)),
    }));
  }

  /** The likeliest tokens to follow the last row. */
  table(): Table {
    const rows = this.top().map(({ id, token, logit, probability }) => [id, token, logit, probability]);
    return new Table(
      [
        { label: 'id', unit: 'number' },
        { label: 'token' },
        { label: 'logit', unit: 'number' },
        { label: 'probability', unit: 'percent' },
      ],
      rows,
      { caption: `Logits [${this.shape.join(', ')}]: most likely to follow` },
    );
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}
