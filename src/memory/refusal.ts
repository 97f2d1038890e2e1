/** Why a block is refused, with what its allocator holds and for what. */
import { HyperionError } from '../errors';
import { bytesByTag } from '../monitoring/holders';
import { native } from '../native';
import type { AllocatorHolder } from './holder';

/** Of very many tags, those with the most bytes. */
const SHOWN_TAGS = 8;

/** Throws the engine's reason, with the live bytes of each tag among its details. */
export function refuse(id: number, bytes: number, packed: number, holder: AllocatorHolder): never {
  try {
    return native().refusal(id, bytes, packed);
  } catch (error) {
    if (!(error instanceof HyperionError)) throw error;
    const tags = bytesByTag(holder.blocks()).slice(0, SHOWN_TAGS);
    const details = Object.fromEntries(tags.map(({ tag, current }) => [`${tag}Bytes`, current]));
    throw new HyperionError(error.code, error.message, { ...error.details, ...details }, { cause: error });
  }
}
