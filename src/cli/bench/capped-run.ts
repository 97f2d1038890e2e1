/** Starts a measured run in a control group, caps it at what it may hold, and collects what it reports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { HyperionError } from '../../errors';
import { type ControlGroup, createControlGroup } from '../../monitoring/control-group';
import type { Report, RunResult } from './loading-child';

const PAGE_BYTES = 4096;

export interface CappedProgram {
  /** speaks as `loading-child` does */
  readonly command: readonly string[];
  /** bytes that the group may hold, page cache included; null for no limit */
  readonly capBytes: number | null;
  /** after so long it is ended; null for never */
  readonly deadlineSeconds: number | null;
}

/** What a run measured, and what its control group counted beside it. */
export interface CappedResult extends RunResult {
  /** resident before it was capped and the model was loaded */
  readonly residentBaselineBytes: number;
  readonly groupBaselineBytes: number;
  /** the most that the group held, page cache included */
  readonly groupPeakBytes: number;
}

export type CappedOutcome =
  | { readonly kind: 'measured'; readonly result: CappedResult }
  /** by the kernel, because of the cap */
  | { readonly kind: 'killed' }
  | { readonly kind: 'late'; readonly deadlineSeconds: number }
  | { readonly kind: 'failed'; readonly error: Error };

/** @throws HyperionError `UNSUPPORTED` where no control group can be made, `CANCELLED` */
export async function runInGroup(program: CappedProgram, signal: AbortSignal): Promise<CappedOutcome> {
  const group = createControlGroup();
  if (!group)
    throw new HyperionError(
      'UNSUPPORTED',
      'no memory control group can be made here, and without a cap mapped weights would fill all memory: nothing is compared. ' +
        'It takes Linux and the right to write to /sys/fs/cgroup (root, or a container that is given it)',
    );
  try {
    const [file, ...args] = group.enter(program.command);
    const child = spawn(file, args, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      signal,
    });
    return await converse(child, group, program, signal);
  } finally {
    group.remove();
  }
}

function converse(
  child: ChildProcess,
  group: ControlGroup,
  { capBytes, deadlineSeconds }: CappedProgram,
  signal: AbortSignal,
): Promise<CappedOutcome> {
  let baseline = { residentBaselineBytes: 0, groupBaselineBytes: 0 };
  let result: RunResult | undefined;
  let error: Error | undefined;
  let late: CappedOutcome | undefined;
  const timer =
    deadlineSeconds !== null &&
    setTimeout(() => {
      late = { kind: 'late', deadlineSeconds };
      child.kill('SIGKILL');
    }, deadlineSeconds * 1000);
  child.on('message', (report: Report) => {
    if (report.kind === 'result') result = report.result;
    else if (report.kind === 'ready') {
      baseline = { residentBaselineBytes: report.residentBytes, groupBaselineBytes: group.usage() };
      if (capBytes !== null) group.limit(Math.ceil(capBytes / PAGE_BYTES) * PAGE_BYTES);
      child.send('go');
    } else {
      const { code, message, details } = report;
      error = code === null ? new Error(message) : new HyperionError(code, message, details);
    }
  });
  child.on('error', (failure) => {
    error ??= failure;
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code, killedBy) => {
      if (timer) clearTimeout(timer);
      if (result)
        resolve({ kind: 'measured', result: { ...result, ...baseline, groupPeakBytes: group.peak() } });
      else if (signal.aborted) reject(new HyperionError('CANCELLED', 'the benchmark was cancelled'));
      else if (group.kills() > 0) resolve({ kind: 'killed' });
      else if (late) resolve(late);
      else
        resolve({
          kind: 'failed',
          error: error ?? new Error(`it ended with ${killedBy ?? `exit code ${code}`}`),
        });
    });
  });
}
