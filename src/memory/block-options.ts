/** What a block is asked for: its size and options, checked before the engine is reached. */
import { checkChoice, checkInteger } from '../checks';
import { HyperionError } from '../errors';
import { packBlockOptions } from '../native';
import { parseSize } from '../units';
import type { Size } from './strategy';
import { tagNumber, UNTAGGED_NUMBER } from './tags';

export interface BlockOptions {
  /** What the block is for; statistics and reports tell bytes by it. Default 'untagged'. */
  readonly tag?: string;
  /** Bytes of which the block's address is a multiple: a power of two up to 2 MiB. Default 16. */
  readonly alignment?: number;
  /** How long it will live, as far as you know: a hint for the static and hybrid strategies. Default 'transient'. */
  readonly lifetime?: 'transient' | 'lasting';
}

const LIFETIMES = ['transient', 'lasting'] as const;
const LARGEST_ALIGNMENT = 2 * 2 ** 20;
const DEFAULTS = packBlockOptions(16, UNTAGGED_NUMBER, 0);

/**
 * The options in one number, as the engine takes them.
 *
 * @throws HyperionError `INVALID`, naming the option
 */
export function resolveBlockOptions(options: BlockOptions | undefined): number {
  if (options === undefined) return DEFAULTS;
  const alignment = checkInteger('alignment', options.alignment ?? 16, 1, LARGEST_ALIGNMENT);
  if ((alignment & (alignment - 1)) !== 0)
    throw new HyperionError('INVALID', `alignment is ${alignment}; it must be a power of two, such as 64`);
  const tag = options.tag === undefined ? UNTAGGED_NUMBER : tagNumber(options.tag);
  const lifetime = checkChoice('lifetime', options.lifetime ?? 'transient', LIFETIMES);
  return packBlockOptions(alignment, tag, lifetime === 'lasting' ? 1 : 0);
}

/** @throws HyperionError `INVALID` unless it is a whole number of bytes from 1 to 2^53 - 1, or text for one */
export function readBlockSize(size: Size): number {
  if (typeof size === 'string') return parseSize(size, 'size');
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new HyperionError(
    'INVALID',
    `size is ${String(size)}; a block has a whole number of bytes from 1 to ${Number.MAX_SAFE_INTEGER}`,
  );
}
