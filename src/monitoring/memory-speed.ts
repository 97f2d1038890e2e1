/** How fast the machine's memory can be read: what computing is held against when everything fits. */
import { availableParallelism } from 'node:os';
import { checkInteger } from '../checks';
import { native } from '../native';
import { parseSize } from '../units';

export interface MemorySpeedOptions {
  /** 1 to 256. Default: the processors. */
  readonly threads?: number;
  /** How much is read, in memory that is taken for it beside all budgets and given back: more than the caches hold. Default '512 MiB'. */
  readonly size?: number | string;
}

/**
 * Reads memory with all threads at once, a few times over.
 *
 * @returns bytes per second, the best of these times
 * @throws HyperionError `OUT_OF_MEMORY`, `INVALID`
 * @example
 * ```ts
 * const model = await openModel('model');
 * const session = model.session({ budget: '64 MiB' });
 * const recording = session.record();
 * await session.forward([1, 2, 3]);
 * const memory = await measureMemory({ size: '32 MiB' });
 * const figure = recording.bandwidth({ memory, source: 'measured' });
 * ```
 */
export async function measureMemory({ threads, size = '512 MiB' }: MemorySpeedOptions = {}): Promise<number> {
  const count = checkInteger('threads', threads ?? Math.min(availableParallelism(), 256), 1, 256);
  const speed = new Float32Array(1);
  await native().readMemory(Math.max(parseSize(size), native().pageBytes()), count, speed);
  return speed[0]!;
}
