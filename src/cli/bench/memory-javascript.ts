/** The same from JavaScript, where a call into the addon costs more than what it does there. */
import { createPool, type Pool } from '../../memory/pool';
import type { Row } from './memory-program';

const BLOCK_BYTES = 64;
/** blocks that one call takes, or gives back */
const BATCH = 1000;
/** of which the least and the median count */
const REPEATS = 5;

/** One measurement of each, in this process: nanoseconds for a block that is taken and given back. */
export function measureJavaScript(operations: number): readonly Row[] {
  using pool = createPool({ size: 2 * BATCH * BLOCK_BYTES, blockSize: BLOCK_BYTES });
  const rounds = Math.max(BATCH, Math.ceil(operations / 10));
  return [
    measure('lifo', rounds, () => oneByOne(pool, rounds)),
    measure('batch', rounds, () => inBatches(pool, rounds)),
  ];
}

function oneByOne(pool: Pool, rounds: number): void {
  for (let i = 0; i < rounds; i += 1) pool.free(pool.allocate());
}

function inBatches(pool: Pool, rounds: number): void {
  for (let done = 0; done < rounds; done += BATCH) pool.freeMany(pool.allocateMany(BATCH));
}

function measure(name: string, rounds: number, work: () => void): Row {
  work(); // compiled by now
  const times = Array.from({ length: REPEATS }, () => {
    const began = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(began);
    return ((user + system) * 1000) / rounds;
  }).sort((a, b) => a - b);
  return {
    subject: 'JavaScript pool',
    measure: name,
    unit: 'ns',
    least: times[0]!,
    median: times[(REPEATS - 1) / 2]!,
  };
}
