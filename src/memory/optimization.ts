/** What the hybrid strategy changed when it chose its pools anew. */
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import type { NativeOptimization } from '../native';
import { formatBytes } from '../units';
import { rowsOf } from './rows';

/** Blocks of one size. */
export interface Bin {
  /** bytes of a block */
  readonly blockSize: number;
  /** live */
  readonly blocks: number;
}

export class Optimization {
  readonly before: readonly Bin[];
  readonly after: readonly Bin[];
  /** bytes given back to the operating system */
  readonly trimmed: number;
  /** internal fragmentation of the sizes that were seen, in the pools before, 0 to 1 */
  readonly internalBefore: number;
  /** the same in the pools after */
  readonly internalAfter: number;
  /** sizes in bytes whose blocks lived long: give them `lifetime: 'lasting'` */
  readonly lasting: readonly number[];

  constructor(
    readonly name: string,
    optimization: NativeOptimization,
  ) {
    const bins = (rows: Float64Array) =>
      rowsOf(rows, 2).map(([blockSize, blocks]) => ({ blockSize: blockSize!, blocks: blocks! }));
    this.before = bins(optimization.before);
    this.after = bins(optimization.after);
    this.trimmed = optimization.trimmed;
    this.internalBefore = optimization.internalBefore;
    this.internalAfter = optimization.internalAfter;
    this.lasting = [...optimization.lasting];
  }

  table(): Table {
    const sizes = [...new Set([...this.before, ...this.after].map(({ blockSize }) => blockSize))];
    const has = (bins: readonly Bin[], size: number) =>
      bins.some(({ blockSize }) => blockSize === size) ? 'pool' : null;
    const percent = (share: number) => `${(share * 100).toFixed(1)}%`;
    const caption =
      `${this.name}: internal fragmentation ${percent(this.internalBefore)} before, ` +
      `${percent(this.internalAfter)} after; ${formatBytes(this.trimmed)} given back`;
    return new Table(
      [{ label: 'block', unit: 'bytes' }, 'before', 'after'],
      sizes.sort((a, b) => a - b).map((size) => [size, has(this.before, size), has(this.after, size)]),
      { caption },
    );
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}
