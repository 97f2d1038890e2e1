/** Pools: blocks of one size, taken and given back in a nanosecond or a few. */
import { checkFlag, checkInteger } from '../checks';
import { HyperionError } from '../errors';
import { parseSize } from '../units';
import { Allocator } from './allocator';
import type { Block } from './block';
import { type BlockOptions, readBlockSize } from './block-options';
import { parseBudget } from './budget';
import type { AllocatorLimits } from './create';
import type { Size } from './strategy';

export interface PoolConfig extends AllocatorLimits {
  /** Bytes of the pool; what does not make a whole block is left out. */
  readonly size: Size;
  /** Bytes of a block. */
  readonly blockSize: Size;
  /** Whether it doubles when no block is left, as far as its budget goes. Default false. */
  readonly growable?: boolean;
  /** Whether engine threads may share it. Default false. */
  readonly threadSafe?: boolean;
}

/**
 * Blocks of one size. Made by `createPool()`.
 *
 * @example
 * ```ts
 * using pool = createPool({ size: '1 MiB', blockSize: '4 KiB' });
 * const block = pool.allocate();
 * pool.utilization; // 0.00390625
 * pool.free(block);
 * ```
 */
export class Pool extends Allocator {
  /** bytes of a block, as asked for */
  readonly blockSize: number;

  /** Pools come from `createPool()`. */
  constructor(config: PoolConfig) {
    const size = parseSize(config.size, 'size');
    const blockSize = readBlockSize(config.blockSize);
    if (blockSize > size)
      throw new HyperionError(
        'INVALID',
        `blockSize is ${blockSize} bytes and the pool's size ${size}; a pool holds at least one block`,
        { blockSize, size },
      );
    const source = {
      strategy: 'pool' as const,
      size,
      blockSize,
      growable: checkFlag('growable', config.growable ?? false),
      threadSafe: checkFlag('threadSafe', config.threadSafe ?? false),
    };
    const limits = { budget: parseBudget(config.budget), limit: parseBudget(config.limit, 'limit') };
    super({ ...limits, source }, 'pool', config.name);
    this.blockSize = blockSize;
  }

  /** How many blocks it has, live and free. */
  get blocks(): number {
    return this.stats().capacity!;
  }

  /** The share of its blocks that are live, 0 to 1. */
  get utilization(): number {
    return this.stats().liveBlocks / this.blocks;
  }

  /**
   * Takes a block.
   *
   * @param size bytes of it that are wanted, at most `blockSize`, which is the default
   * @returns the block's handle
   * @throws HyperionError `INVALID` for more than a block, `OUT_OF_MEMORY` when none is left, `CLOSED`
   */
  override allocate(size: Size = this.blockSize, options?: BlockOptions): number {
    const bytes = readBlockSize(size);
    if (bytes <= this.blockSize) return super.allocate(bytes, options);
    throw new HyperionError(
      'INVALID',
      `size is ${bytes} bytes; a block of ${this.name} has ${this.blockSize}`,
      { neededBytes: bytes, blockBytes: this.blockSize },
    );
  }

  /**
   * Takes many blocks, in one call: all of them or none.
   *
   * @param count how many, or the bytes wanted of each
   * @returns their handles
   * @throws HyperionError as `allocate`; no block is taken then
   */
  override allocateMany(count: number | ArrayLike<number>, options?: BlockOptions): Float64Array {
    if (typeof count !== 'number') return super.allocateMany(count, options);
    const handles = new Float64Array(checkInteger('count', count, 1, MOST_BLOCKS));
    return this.takeMany(this.blockSize, NO_SIZES, handles, options);
  }

  override block(size: Size = this.blockSize, options?: BlockOptions): Block {
    return super.block(size, options);
  }
}

const NO_SIZES = new Float64Array(0);
/** that one allocator can hold, see native/memory/block_table.h */
const MOST_BLOCKS = 2 ** 22;

/**
 * Makes a pool: `size` bytes in blocks of `blockSize`.
 *
 * @throws HyperionError `INVALID` for an option, `OVER_BUDGET` or `OUT_OF_MEMORY` when its memory cannot be had
 * @example
 * ```ts
 * using pool = createPool({ size: '1 MiB', blockSize: 4096 });
 * const blocks = pool.allocateMany(256);
 * pool.utilization; // 1
 * pool.freeMany(blocks);
 * ```
 */
export function createPool(config: PoolConfig): Pool {
  return new Pool(config);
}
