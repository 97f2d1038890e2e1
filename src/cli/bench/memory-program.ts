/** Starts the program that measures allocators natively, once for a workload, and reads what it prints. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HyperionError } from '../../errors';
import { packageRoot } from '../../root';
import type { Workload } from './memory-subjects';

/** What one run measured of one subject. */
export interface Row {
  readonly subject: string;
  /** the loop: `lifo`, `batch`, `trace`; or `resident` */
  readonly measure: string;
  /** nanoseconds for an operation, or bytes for a byte */
  readonly unit: 'ns' | 'ratio';
  /** of the repeats inside the run */
  readonly least: number;
  readonly median: number;
}

export interface ProgramOptions {
  /** in each of the repeats inside the run */
  readonly operations: number;
  readonly signal: AbortSignal;
  /** library that replaces malloc */
  readonly preload?: string;
}

/**
 * @throws HyperionError `IO` when the program is not built, `UNSUPPORTED` when the library cannot be preloaded, `CANCELLED`
 */
export async function runProgram(workload: Workload, options: ProgramOptions): Promise<readonly Row[]> {
  const program = join(packageRoot, 'native/build/Release/hyperion_memory_bench');
  if (!existsSync(program))
    throw new HyperionError(
      'IO',
      `the benchmark is not built (${program} is missing); run: npm run build:native`,
    );
  const { operations, signal, preload } = options;
  const env = preload ? { ...process.env, LD_PRELOAD: preload } : process.env;
  try {
    const { stdout, stderr } = await promisify(execFile)(
      program,
      [workload, '--operations', String(operations)],
      { env, signal },
    );
    // The loader goes on without a library that it cannot load, and another allocator would be measured.
    if (stderr) throw new HyperionError('UNSUPPORTED', `${workload} with ${preload}: ${stderr.trim()}`);
    return JSON.parse(stdout).results;
  } catch (error) {
    if (signal.aborted) throw new HyperionError('CANCELLED', 'the benchmark was cancelled');
    throw error;
  }
}
