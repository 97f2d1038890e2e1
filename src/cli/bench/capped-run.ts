/** Starts a measured run in a control group, caps it at what it may hold, and collects what it reports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { HyperionError } from '../../errors';
import { type ControlGroup, createControlGroup } from '../../monitoring/control-group';
import type { Report, RunOptions, RunResult } from './loading-run';

/** What a process may hold beside its resident baseline and the budget: the promise of the design. */
const SLACK_BYTES = 16 * 2 ** 20;
const PAGE_BYTES = 4096;

export interface CappedResult extends RunResult {
  /** the cap: resident baseline + budget + 16 MiB */
  readonly limitBytes: number;
  /** the most that the group held, page cache included */
  readonly groupPeakBytes: number;
}

/**
 * Runs once, with an empty page cache.
 *
 * @throws HyperionError `UNSUPPORTED` where no control group can be made, `OUT_OF_MEMORY` when the cap kills the run,
 *   `CANCELLED`, and what the run itself fails with
 */
export async function runInGroup(options: RunOptions, signal: AbortSignal): Promise<CappedResult> {
  const group = createControlGroup();
  if (!group)
    throw new HyperionError(
      'UNSUPPORTED',
      'no memory control group can be made here, and without a cap mapped weights would fill all memory: nothing is compared. ' +
        'It takes Linux and the right to write to /sys/fs/cgroup (root, or a container that is given it)',
    );
  try {
    const script = join(__dirname, 'loading-run.js');
    const [program, ...args] = group.enter([process.execPath, script, JSON.stringify(options)]);
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], signal });
    return await converse(child, group, options, signal);
  } finally {
    group.remove();
  }
}

function converse(
  child: ChildProcess,
  group: ControlGroup,
  { budget, way }: RunOptions,
  signal: AbortSignal,
): Promise<CappedResult> {
  let limitBytes = 0;
  let result: RunResult | undefined;
  let failure: unknown;
  child.on('message', (report: Report) => {
    if (report.kind === 'failed') failure = new HyperionError(report.code, report.message, report.details);
    else if (report.kind === 'result') result = report.result;
    else {
      limitBytes = Math.ceil((report.residentBaselineBytes + budget + SLACK_BYTES) / PAGE_BYTES) * PAGE_BYTES;
      group.limit(limitBytes);
      child.send('go');
    }
  });
  child.on('error', (error) => {
    failure ??= error;
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code, killedBy) => {
      if (result) resolve({ ...result, limitBytes, groupPeakBytes: group.peak() });
      else if (signal.aborted) reject(new HyperionError('CANCELLED', 'the benchmark was cancelled'));
      else if (group.kills() > 0)
        reject(new HyperionError('OUT_OF_MEMORY', `the cap killed the ${way} run`, { limitBytes }));
      else reject(failure ?? new Error(`the ${way} run ended with ${killedBy ?? `exit code ${code}`}`));
    });
  });
}
