/** Maps of memory to draw: a heap as a seeded run of allocations leaves it. */
import type { FragmentationMap, MemorySpan } from '../../src/display';

/** Numbers from 0 to 1, the same in every run (a linear congruential generator). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Blocks of 256 B to 16 KiB, every third of them freed. */
export function patchyMap(blocks: number, tags = ['rows', 'columns', 'index']): FragmentationMap {
  const random = randomNumbers(7);
  const spans: MemorySpan[] = [];
  let offset = 0;
  for (let block = 0; block < blocks; block++) {
    const bytes = 256 * 2 ** Math.floor(7 * random());
    const isFree = block % 3 === 2;
    spans.push(
      isFree
        ? { offset, bytes, state: 'free' }
        : { offset, bytes, state: 'used', tag: tags[Math.floor(tags.length * random())]! },
    );
    offset += bytes;
  }
  spans.push({ offset, bytes: 8192, state: 'reserved' });
  return mapOf(spans);
}

/** A map with the figures that follow from its spans. */
export function mapOf(spans: readonly MemorySpan[]): FragmentationMap {
  const free = spans.filter(({ state }) => state === 'free').map(({ bytes }) => bytes);
  const freeBytes = free.reduce((sum, bytes) => sum + bytes, 0);
  const largestFreeBytes = free.reduce((most, bytes) => Math.max(most, bytes), 0);
  return {
    spans,
    reservedBytes: spans.reduce((sum, { bytes }) => sum + bytes, 0),
    largestFreeBytes,
    externalFragmentation: freeBytes ? 1 - largestFreeBytes / freeBytes : 0,
  };
}
