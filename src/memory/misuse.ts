/** What is wrong with a handle, in a sentence, and on record for the report. */
import { HyperionError } from '../errors';
import { type Misuse, noteMisuse } from '../monitoring/tracking';
import type { Addon } from '../native';
import { formatBytes } from '../units';
import { tagName } from './tags';

const KINDS = { freed: 'double free', stale: 'stale handle', foreign: 'foreign handle' } as const;

/** The error for a handle that names no live block of `holder`. */
export function misused(holder: string, handle: ReturnType<Addon['describeHandle']>): HyperionError {
  const kind: Misuse['kind'] = KINDS[handle.kind];
  const known = handle.kind === 'freed';
  const block = `a block of ${formatBytes(handle.bytes)} tagged '${tagName(handle.tag)}'`;
  const message = {
    freed: `${kind}: ${block} was freed before; ${holder} has nothing to give back`,
    stale: `${kind}: the block was freed, and its place in ${holder} was used again since`,
    foreign: `${kind}: ${holder} gave out no such block; free it where it was allocated`,
  }[handle.kind];
  const misuse = {
    kind,
    holder,
    tag: known ? tagName(handle.tag) : null,
    bytes: known ? handle.bytes : null,
    message,
  };
  noteMisuse(misuse);
  return new HyperionError('INVALID', message, known ? { blockBytes: handle.bytes, tag: misuse.tag! } : {});
}
