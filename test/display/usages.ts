/** Use of memory over time to draw: one that grows, shrinks and leaves room reserved. */
import type { UsageSample } from '../../src/display';

const MIB = 2 ** 20;

/** A wave of live bytes under a reserve that is given back in steps of `stepMib`, late or never. */
export function waveUsage(stepMib: number, samples = 40): UsageSample[] {
  let reservedBytes = 0;
  return Array.from({ length: samples }, (_, index) => {
    const activeBytes = Math.round(MIB * (2 + 1.8 * Math.sin(index / 4)));
    const needed = Math.ceil(activeBytes / (stepMib * MIB)) * stepMib * MIB;
    reservedBytes = Math.max(needed, reservedBytes - 0.1 * MIB);
    return { timeMs: 500 + index * 3.3, activeBytes, reservedBytes };
  });
}
