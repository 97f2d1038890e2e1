/**
 * Runs a command in a memory control group of its own, version 1 or 2, and reports what the kernel counted. Where neither can
 * be made here, the command runs without a cap and `capped` is false, so that a test can say so and check resident memory only.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';

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

interface Controller {
  folder: string;
  limitFile: string;
  peakFile: string;
  kills(): number;
}

/** Runs `command` with at most `limitBytes` of memory charged to it (RSS, kernel memory and page cache together). */
export async function runCapped(command: readonly string[], limitBytes: number): Promise<CappedRun> {
  const group = makeGroup(limitBytes);
  try {
    const enter = group ? `echo $$ > ${group.folder}/cgroup.procs && ` : '';
    const child = spawn('sh', ['-c', `${enter}exec "$@"`, 'sh', ...command]);
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
    const groupPeakBytes = group ? Number(readFileSync(group.peakFile, 'utf8')) : null;
    const outOfMemoryKills = group ? group.kills() : null;
    const capped = group !== null;
    return { capped, code, signal, stdout, stderr, highWaterBytes, groupPeakBytes, outOfMemoryKills };
  } finally {
    if (group) rmdirSync(group.folder);
  }
}

function makeGroup(limitBytes: number): Controller | null {
  const group = candidates().find((candidate) => {
    try {
      mkdirSync(candidate.folder);
    } catch {
      return false;
    }
    if (existsSync(candidate.limitFile)) return true;
    rmdirSync(candidate.folder);
    return false;
  });
  if (!group) return null;
  writeFileSync(group.limitFile, String(limitBytes));
  return group;
}

function candidates(): Controller[] {
  const name = `hyperion-test-${process.pid}-${Date.now()}`;
  const v1 = `/sys/fs/cgroup/memory/${name}`;
  const v2 = `/sys/fs/cgroup/${name}`;
  return [
    {
      folder: v1,
      limitFile: `${v1}/memory.limit_in_bytes`,
      peakFile: `${v1}/memory.max_usage_in_bytes`,
      kills: () => counter(`${v1}/memory.oom_control`, 'oom_kill'),
    },
    {
      folder: v2,
      limitFile: `${v2}/memory.max`,
      peakFile: `${v2}/memory.peak`,
      kills: () => counter(`${v2}/memory.events`, 'oom_kill'),
    },
  ];
}

function counter(file: string, key: string): number {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${key} `));
  return Number(line?.split(' ')[1] ?? 0);
}

function highWater(pid: number | undefined): number {
  try {
    const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0; // It ended between two looks.
  }
}
