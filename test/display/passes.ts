/** Work of a streaming session to draw: passes over eight layers of which every other one is read while the one before it computes. */
import type { LaneSpan } from '../../src/display';

const MIB = 2 ** 20;
const LAYERS = 8;
const COMPUTE_MS = 1.5;
const READ_MS = 4;

/** Two reads at a time, a stall wherever the read is slower than the compute before it. Times begin at 100 ms. */
export function streamingPasses(passes: number): { spans: LaneSpan[]; passes: number[]; endMs: number } {
  const spans: LaneSpan[] = [];
  const begun: number[] = [];
  let now = 100;
  for (let pass = 0; pass < passes; pass++) {
    begun.push(now);
    for (let index = 0; index < LAYERS; index++) {
      const layer = `layers.${index}`;
      if (index % 2 === 1) {
        const queued = now - COMPUTE_MS;
        const loaded = queued + READ_MS;
        spans.push({ lane: 'read', layer, startMs: queued, endMs: loaded, bytes: 3 * MIB });
        spans.push({ lane: 'read', layer, startMs: queued, endMs: loaded - 1, bytes: MIB });
        spans.push({ lane: 'stall', layer, startMs: now, endMs: loaded, bytes: 3 * MIB });
        now = loaded;
      }
      spans.push({ lane: 'compute', layer, startMs: now, endMs: now + COMPUTE_MS, bytes: 4 * MIB });
      now += COMPUTE_MS;
    }
  }
  return { spans, passes: begun, endMs: now };
}
