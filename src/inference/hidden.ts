/** What an encoder gives: a vector for each token of a text, and one vector for the whole of it. */
import { checkChoice } from '../checks';
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import { HyperionError } from '../errors';

/** How the vectors of the tokens become one: their mean, or that of the first token ([CLS]). */
export type Pooling = 'mean' | 'cls';

/**
 * Last hidden states [T, width], row by row: row t stands for token t in its text.
 *
 * @example
 * ```ts
 * const hidden = new Hidden(Float32Array.of(1, 2, 3, 4), [2, 2]);
 * [...hidden.row(1)]; // [3, 4]
 * [...hidden.pooled('mean')]; // [2, 3]
 * [...hidden.pooled('cls')]; // [1, 2]
 * ```
 */
export class Hidden {
  constructor(
    readonly data: Float32Array,
    readonly shape: readonly [number, number],
  ) {}

  /**
   * One token's vector, as a view of `data`.
   *
   * @throws HyperionError `INVALID` when there is no such token
   */
  row(index: number): Float32Array {
    const [rows, width] = this.shape;
    if (!(Number.isInteger(index) && index >= 0 && index < rows))
      throw new HyperionError('INVALID', `row is ${index}; it must be a whole number from 0 to ${rows - 1}`);
    return this.data.subarray(index * width, (index + 1) * width);
  }

  /**
   * One vector of `width` numbers for the text.
   *
   * @throws HyperionError `INVALID` for another pooling than 'mean' and 'cls'
   */
  pooled(pooling: Pooling): Float32Array {
    checkChoice('pooling', pooling, ['mean', 'cls']);
    if (pooling === 'cls') return this.row(0).slice();
    const [rows, width] = this.shape;
    const column = (at: number) => {
      let sum = 0;
      for (let row = 0; row < rows; row += 1) sum += this.data[row * width + at]!;
      return sum / rows;
    };
    return Float32Array.from({ length: width }, (_, at) => column(at));
  }

  /** The length of each token's vector. */
  table(): Table {
    const [rows, width] = this.shape;
    const lengths = Array.from({ length: rows }, (_, row) => [row, Math.hypot(...this.row(row))]);
    return new Table(
      [
        { label: 'token', unit: 'count' },
        { label: 'length', unit: 'number' },
      ],
      lengths,
      { caption: `Hidden states [${rows}, ${width}]` },
    );
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}
