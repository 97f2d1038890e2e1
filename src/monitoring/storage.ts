/** What the kernel counts of a process's reads from storage. */
import { numberIn, readSystemFile } from './system-file';

/**
 * Bytes that this process had fetched from storage so far, by direct reads, by buffered ones that missed the page cache, and by
 * touching mapped pages; null where the kernel does not count them.
 */
export function storageBytesRead(): number | null {
  return numberIn(readSystemFile('/proc/self/io'), /^read_bytes: (\d+)$/m);
}
