/** The measurements of `hyperion bench loading`: every case in every way, disk and memory beside them, in turns. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { HyperionError } from '../../errors';
import type { Model } from '../../inference/model';
import { measureMemory } from '../../monitoring/memory-speed';
import { type CappedOutcome, runInGroup } from './capped-run';
import type { LoadingCase, LoadingOptions, WayName } from './loading-cases';
import { type MachineSpeeds, meanBandwidths } from './loading-limits';
import type { LoadingPeer } from './loading-peers';
import type { OwnWay, RunOptions } from './loading-run';
import { type CaseResult, type MeasuredRun, summarize } from './loading-summary';

export interface LoadingResult extends Pick<LoadingOptions, 'threads' | 'promptTokens' | 'repeat'> {
  readonly peers: readonly Pick<LoadingPeer, 'name' | 'what' | 'version' | 'install'>[];
  readonly cases: readonly CaseResult[];
}

/** What a process may hold beside the budget: Node and the libraries, ours and a peer's alike. */
const PROCESS_BYTES = 150 * 2 ** 20;
/** Direct reads at a time: the faster number of them tells what the disk can give. */
const READERS = [2, 4];
const PEER_SECONDS = 90;

/**
 * Measures in turns, so that what else the machine does meets all alike.
 *
 * @throws HyperionError `UNSUPPORTED` without control groups or direct reads; what sessions throw; `CANCELLED`
 */
export async function measureLoading(
  cases: readonly LoadingCase[],
  options: LoadingOptions,
): Promise<LoadingResult> {
  const { threads, promptTokens, repeat, peers, signal, onProgress } = options;
  const measured = cases.map((aCase) => ({
    ...{ case: aCase, capBytes: capOf(aCase.budget) },
    runs: new Map(aCase.ways.map((way) => [way, [] as MeasuredRun[]])),
  }));
  const turns = measured.flatMap((each) => Array.from({ length: each.case.runs }, () => each));
  const total = repeat * cases.reduce((sum, { ways, runs }) => sum + runs * ways.length, 0);
  let done = 0;
  for (const { model, safetensors } of cases) await flush([...model.files, ...(safetensors?.files ?? [])]);
  for (let round = 0; round < repeat; round += 1)
    for (const { case: aCase, runs } of turns) {
      // Every second time the other way about: what comes before a run may be felt in it.
      const turn = runs.get(aCase.ways[0]!)!.length;
      let before = await machineSpeeds(aCase.model, threads);
      for (const way of turn % 2 === 0 ? aCase.ways : aCase.ways.toReversed()) {
        onProgress?.(done++, total);
        // What is killed or too slow once is so again, and takes long.
        if (runs.get(way)!.some(({ outcome }) => outcome.kind !== 'measured')) continue;
        const outcome = await measureWay(aCase, way, options);
        const after = await machineSpeeds(aCase.model, threads);
        runs.get(way)!.push({ outcome, bandwidths: meanBandwidths(before, after) });
        before = after;
        if (signal.aborted) throw new HyperionError('CANCELLED', 'the benchmark was cancelled');
      }
    }
  return {
    ...{ threads, promptTokens, repeat },
    peers: peers.map(({ name, what, version, install }) => ({ name, what, version, install })),
    cases: measured.map((each) => summarize(each, options)),
  };
}

/** Pages that are not on the disk yet cannot be dropped from the cache. */
async function flush(files: readonly string[]): Promise<void> {
  for (const path of files) {
    const file = await open(path);
    await file.datasync().finally(() => file.close());
  }
}

/** One run, with none of the model in the page cache: it would be charged to another group, and cost a mapping nothing. */
async function measureWay(aCase: LoadingCase, way: WayName, options: LoadingOptions): Promise<CappedOutcome> {
  const { budget, tokens } = aCase;
  const { threads, promptTokens, peers } = options;
  const peer = peers.find(({ name }) => name === way);
  const model = peer?.reads === 'safetensors' ? aCase.safetensors! : aCase.model;
  model.dropCache();
  const { path, vocabularySize } = model;
  const common = { model: path, vocabularySize, threads, promptTokens, tokens };
  const capBytes = capOf(budget);
  const command = peer?.command(common, capBytes) ?? ownCommand({ ...common, way: way as OwnWay, budget });
  const outcome = await runInGroup(
    { command, capBytes, deadlineSeconds: peer ? PEER_SECONDS : null },
    options.signal,
  );
  if (outcome.kind === 'failed' && !peer) throw outcome.error;
  return outcome;
}

function ownCommand(options: RunOptions): readonly string[] {
  return [process.execPath, join(__dirname, 'loading-run.js'), JSON.stringify(options)];
}

const capOf = (budget: number | null) => (budget === null ? null : budget + PROCESS_BYTES);

async function machineSpeeds(model: Model, threads: number): Promise<MachineSpeeds> {
  const disk: number[] = [];
  for (const readers of READERS) disk.push(await model.measureDisk(readers));
  return { disk, memory: await measureMemory({ threads }) };
}
