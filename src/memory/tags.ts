/** Names that blocks are tagged with, and the numbers that the engine knows them by. */
import { HyperionError } from '../errors';
import { MEMORY_TAGS } from '../native';

/** Below it are the engine's own tags, in the order of MEMORY_TAGS. */
const FIRST = 16;
/** The numbers that the engine has bits for: `kTags` of native/memory/block_table.h. */
const MOST = 2048;

const numbers = new Map<string, number>();
const names: string[] = [];

/** The tag of a block that was given none. */
export const UNTAGGED = 'untagged';

/** @throws HyperionError `INVALID` unless it is a text, or when there are too many different ones */
export function tagNumber(name: string): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  if (typeof name !== 'string' || name === '')
    throw new HyperionError('INVALID', `tag is ${JSON.stringify(name)}; it must be a text that is not empty`);
  const number = FIRST + names.length;
  if (number >= MOST)
    throw new HyperionError(
      'INVALID',
      `there are ${names.length} tags already; use them again for new blocks`,
    );
  numbers.set(name, number);
  names.push(name);
  return number;
}

/** The name behind a number. */
export function tagName(number: number): string {
  return MEMORY_TAGS[number] ?? names[number - FIRST] ?? UNTAGGED;
}

export const UNTAGGED_NUMBER = tagNumber(UNTAGGED);
