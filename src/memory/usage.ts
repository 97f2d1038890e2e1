/** What allocators used over time, side by side. */
import { type Figure, usageFigure } from '../display';
import { HyperionError } from '../errors';
import type { Allocator } from './allocator';

/**
 * Draws what tracked allocators had handed out and held over time, in one figure. An allocator is followed while
 * `enableMemoryTracking(true)` holds, or by its own `trackAllocations`.
 *
 * @throws HyperionError `INVALID` for an allocator that is not tracked, `CLOSED`
 * @example
 * ```ts
 * enableMemoryTracking(true);
 * using pool = createPool({ size: '64 KiB', blockSize: 1024 });
 * pool.freeMany(pool.allocateMany(64));
 * plotUsage([pool]).spec.data.length > 0; // true
 * enableMemoryTracking(false);
 * ```
 */
export function plotUsage(allocators: readonly Allocator[], title = 'Memory over time'): Figure {
  const series = allocators.map((allocator) => ({
    name: allocator.name,
    samples: (allocator.samples() ?? untracked(allocator)).map(
      ({ timeMs, requestedBytes, reservedBytes }) => ({ timeMs, activeBytes: requestedBytes, reservedBytes }),
    ),
  }));
  return usageFigure({ title, series, limitBytes: null });
}

function untracked({ name }: Allocator): never {
  throw new HyperionError(
    'INVALID',
    `${name} is not tracked; call enableMemoryTracking(true) before it is used`,
  );
}
