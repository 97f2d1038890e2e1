/** Lists of blocks, as tables. */
import { type Cell, jupyterDisplay, type MimeBundle, Table } from '../display';
import { formatBytes, formatCount } from '../units';
import { type DataFrame, toDataFrame } from './data-frame';
import type { HeldBlock } from './holders';

/** Blocks, oldest first in each holder. */
export class BlockList {
  /** what they ask for together, in bytes */
  readonly bytes: number;

  constructor(
    readonly title: string,
    readonly blocks: readonly HeldBlock[],
  ) {
    this.bytes = blocks.reduce((sum, block) => sum + block.bytes, 0);
  }

  table(): Table {
    const now = performance.now();
    return new Table(
      [
        'holder',
        'tag',
        { label: 'size', unit: 'bytes' },
        { label: 'age', unit: 'duration' },
        'allocated at',
        ...this.extraColumns(),
      ],
      this.blocks.map((block) => [
        block.holder,
        block.tag,
        block.bytes,
        block.allocatedMs === null ? null : now - block.allocatedMs,
        block.callSite,
        ...this.extraCells(block),
      ]),
      { caption: `${this.title}: ${formatCount(this.blocks.length)} blocks, ${formatBytes(this.bytes)}` },
    );
  }

  /**
   * A row for each block, as a DataFrame of danfojs.
   *
   * @throws HyperionError `UNSUPPORTED` when danfojs-node is not installed
   */
  toDataFrame(): Promise<DataFrame> {
    return toDataFrame(this.blocks.map((block) => ({ ...block })));
  }

  /** What a list of a kind of its own shows besides. */
  protected extraColumns(): string[] {
    return [];
  }

  protected extraCells(_block: HeldBlock): Cell[] {
    return [];
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}
