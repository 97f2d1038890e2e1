/**
 * Runs a command in a memory control group of its own and reports what the kernel counted. Where none can be made, the command
 * runs without a cap and `capped` is false, so that a test can say so and check resident memory only.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createControlGroup } from '../../src/monitoring/control-group';

export interface CappedRun {
  capped: boolean;
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  /** The largest VmHWM of the process that was seen, bytes (read until it ended). */
  highWaterBytes: number;
  /** The largest usage that the control group counted, page cache included, bytes. */
  groupPeakBytes: number | null;
  outOfMemoryKills: number | null;
}

/** Runs `command` with at most `limitBytes` of memory charged to it (RSS, kernel memory and page cache together). */
export async function runCapped(command: readonly string[], limitBytes: number): Promise<CappedRun> {
  const group = createControlGroup();
  try {
    group?.limit(limitBytes);
    const [program, ...args] = group ? group.enter(command) : command;
    const child = spawn(program!, args);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    let highWaterBytes = 0;
    const poll = setInterval(() => {
      highWaterBytes = Math.max(highWaterBytes, highWater(child.pid));
    }, 5);
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (...end) => resolve(end));
    });
    clearInterval(poll);
    const groupPeakBytes = group?.peak() ?? null;
    const outOfMemoryKills = group?.kills() ?? null;
    const capped = group !== undefined;
    return { capped, code, signal, stdout, stderr, highWaterBytes, groupPeakBytes, outOfMemoryKills };
  } finally {
    group?.remove();
  }
}

function highWater(pid: number | undefined): number {
  try {
    const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0; // It ended between two looks.
  }
}
