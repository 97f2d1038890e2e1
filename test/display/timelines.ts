/** Timelines to draw: one as a streaming session makes it, and extremes. */
import type { MemoryMark, MemorySample, MemoryTimeline } from '../../src/display';

const TAGS = ['weights', 'staging', 'activations', 'kv-cache', 'scratch'];
const KIB = 1024;
const LAYER_BYTES = 420 * KIB;
const CACHED_LAYERS = 8;

/** Layers of a cyclic scan coming and going under 4 MiB, with a KV cache that grows. */
export function streamingTimeline(steps = 60): MemoryTimeline {
  const samples: MemorySample[] = [];
  const marks: MemoryMark[] = [];
  const resident: number[] = [];
  let peakBytes = 0;
  for (let step = 0; step < steps; step++) {
    const timeMs = 1000 + step * 21.7;
    const layer = (step * 5) % 12;
    if (!resident.includes(layer)) {
      if (resident.length === CACHED_LAYERS) mark('evict', resident.shift()!, timeMs - 2);
      resident.push(layer);
      mark('load', layer, timeMs - 1);
    }
    const byTag = [
      resident.length * LAYER_BYTES,
      (step % 3) * 64 * KIB,
      96 * KIB,
      (1 + Math.floor(step / 16)) * 80 * KIB,
      32 * KIB,
    ];
    const currentBytes = byTag.reduce((sum, bytes) => sum + bytes, 0);
    peakBytes = Math.max(peakBytes, currentBytes);
    samples.push({ timeMs, currentBytes, peakBytes, byTag });
  }
  return { title: 'Memory of manpage', budgetBytes: 4096 * KIB, tags: TAGS, samples, marks };

  function mark(kind: MemoryMark['kind'], layer: number, timeMs: number) {
    marks.push({ kind, layer: `layers.${layer}.feed_forward`, timeMs, bytes: LAYER_BYTES });
  }
}

/** A timeline of nothing but totals. */
export function totals(bytes: readonly number[], budgetBytes: number | null = null): MemoryTimeline {
  const samples = bytes.map((currentBytes, index) => ({
    timeMs: index * 100,
    currentBytes,
    peakBytes: Math.max(...bytes.slice(0, index + 1)),
    byTag: [currentBytes],
  }));
  return { budgetBytes, tags: ['weights'], samples, marks: [] };
}
