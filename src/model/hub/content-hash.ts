/** The hash by which the hub names a file's content. */
import { createHash, type Hash } from 'node:crypto';
import type { HubFile } from './listing';

const SHA256_DIGITS = 64;

/** Feed it the file's bytes; its hexadecimal digest is then the file's `oid`. */
export function contentHash({ oid, bytes }: HubFile): Hash {
  // Small files are in git itself, which hashes its own header before the content.
  return oid.length === SHA256_DIGITS ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);
}
