/** The comparison: models opened and read, here and with Python's packages, in turns, in a process for each run. */
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HyperionError } from '../../errors';
import { findPythonPeers, type PackageName, PEER_PROGRAM, type PythonPeer, python } from './model-peer';
import type { ModelRun, ModelTask } from './model-run';
import { type Spread, spread } from './spread';

export type ModelFormat = PackageName | 'tmai';

export interface ModelSubject {
  /** of those that have one, the peer's name too */
  readonly format: ModelFormat;
  readonly path: string;
  readonly files: readonly string[];
}

export interface ModelOptions {
  readonly repeat: number;
  /** bytes that are read of tensors of one type as numbers */
  readonly mostBytes: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** One figure. Ratios are ours / the peer's, of the medians. */
export interface ModelMeasurement {
  readonly format: ModelFormat;
  readonly measure: string;
  readonly unit: 'ms' | 'bytes' | 'bytes/s';
  readonly value: Spread;
  readonly peer: Spread | null;
  readonly ratio: number | null;
  /** what the value must stay below */
  readonly limit: number | null;
}

export interface ModelResult {
  readonly repeat: number;
  readonly peers: readonly PythonPeer[];
  readonly measurements: readonly ModelMeasurement[];
}

const OPENS = 5;
/** Types of which a model has less give no figure to speak of. */
const LEAST_BYTES = 2 ** 22;
const AS_BYTES: Readonly<Record<string, string>> = {
  bytes: 'read as bytes',
  new: 'read as bytes, new arrays',
};
const LIMITS: Readonly<Record<string, number>> = {
  'open, first': 50,
  open: 50,
  'resident by opening': 8 * 2 ** 20,
};

/** @throws HyperionError `CANCELLED`, and what a run fails with */
export async function compareModels(
  subjects: readonly ModelSubject[],
  { repeat, mostBytes, signal, onProgress }: ModelOptions,
): Promise<ModelResult> {
  const peers = findPythonPeers();
  const runs = subjects.map(() => ({ own: [] as ModelRun[], peer: [] as ModelRun[] }));
  for (let round = 0; round < repeat; round += 1)
    for (const [index, { format, path, files }] of subjects.entries()) {
      onProgress?.(round * subjects.length + index, repeat * subjects.length);
      await readOnce(files);
      const task: ModelTask = { path, files, opens: OPENS, mostBytes };
      const script = join(__dirname, 'model-run.js');
      runs[index]!.own.push(await perform(process.execPath, ['--expose-gc', script], task, signal));
      const isHere = peers.some(({ name, version }) => name === format && version !== null);
      if (isHere) runs[index]!.peer.push(await perform(python(), ['-c', PEER_PROGRAM, format], task, signal));
    }
  const measurements = subjects.flatMap(({ format }, index) => compare(format, runs[index]!));
  return { repeat, peers, measurements };
}

/** Into the page cache, where others may have taken the place of the files: no side is to be the one that waits for the disk. */
async function readOnce(files: readonly string[]): Promise<void> {
  for (const file of files)
    for await (const _ of createReadStream(file, { highWaterMark: 2 ** 22 })) {
      // only that it is read
    }
}

async function perform(
  program: string,
  args: readonly string[],
  task: ModelTask,
  signal: AbortSignal,
): Promise<ModelRun> {
  try {
    const { stdout } = await promisify(execFile)(program, [...args, JSON.stringify(task)], { signal });
    return JSON.parse(stdout);
  } catch (error) {
    if (signal.aborted) throw new HyperionError('CANCELLED', 'the benchmark was cancelled');
    throw error;
  }
}

type Figure = Pick<ModelMeasurement, 'measure' | 'unit'> & {
  readonly of: (run: ModelRun) => number | undefined;
};

function figuresOf({ reads }: ModelRun): Figure[] {
  return [
    { measure: 'open, first', unit: 'ms', of: (run) => run.firstOpenMs },
    { measure: 'open', unit: 'ms', of: (run) => run.openMs },
    { measure: 'resident by opening', unit: 'bytes', of: (run) => run.residentBytes },
    { measure: 'JavaScript heap by opening', unit: 'bytes', of: (run) => run.heapBytes },
    ...Object.keys(reads)
      .filter((what) => reads[what]!.bytes >= LEAST_BYTES)
      .map(
        (what): Figure => ({
          measure: AS_BYTES[what] ?? `${what} as f32`,
          unit: 'bytes/s',
          of: ({ reads: { [what]: read } }) => read && (read.bytes / read.ms) * 1000,
        }),
      ),
  ];
}

function compare(format: ModelFormat, runs: { own: readonly ModelRun[]; peer: readonly ModelRun[] }) {
  return figuresOf(runs.own[0]!).map(({ measure, unit, of }): ModelMeasurement => {
    const value = spread(runs.own.map((run) => of(run)!));
    const theirs = runs.peer.map(of).filter((figure) => figure !== undefined);
    const peer = theirs.length > 0 ? spread(theirs) : null;
    const ratio = peer && peer.median > 0 ? value.median / peer.median : null;
    return { format, measure, unit, value, peer, ratio, limit: LIMITS[measure] ?? null };
  });
}
