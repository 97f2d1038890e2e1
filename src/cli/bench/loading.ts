/** The comparison: streaming against mapped files under the same cap, and against the disk, in turns. */
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { HyperionError } from '../../errors';
import type { Model } from '../../inference/model';
import { type CappedResult, runInGroup } from './capped-run';
import type { RunOptions, Way } from './loading-run';
import { type Spread, spread } from './spread';

export interface LoadingOptions extends Omit<RunOptions, 'model' | 'way'> {
  /** how often each is measured */
  readonly repeat: number;
  readonly signal: AbortSignal;
  /** called with the measurements that are done and those in all */
  readonly onProgress?: (done: number, total: number) => void;
}

/** All runs of one way. Sizes in bytes; the largest of all runs unless a spread. */
export interface WayResult {
  readonly tokensPerSecond: Spread;
  readonly timeToFirstTokenMs: Spread;
  /** fetched from storage for a token, as the kernel counts it (/proc/self/io, read_bytes) */
  readonly bytesPerToken: number | null;
  readonly residentPeakBytes: number;
  readonly limitBytes: number;
  readonly groupPeakBytes: number;
}

export interface LoadingResult extends Pick<RunOptions, 'budget' | 'threads' | 'promptTokens' | 'tokens'> {
  readonly modelBytes: number;
  readonly repeat: number;
  /** direct reads of the model's files in sequence: 4 MiB at a time, 2 threads, nothing computed */
  readonly diskBytesPerSecond: Spread;
  readonly streamed: WayResult;
  readonly mapped: WayResult;
  /** streamed / mapped, of the medians */
  readonly ratio: number;
  /** what the disk allows: its bytes per second / the bytes that streaming reads for a token; null when it reads none */
  readonly diskTokensPerSecond: number | null;
  /** streamed / what the disk allows */
  readonly shareOfDisk: number | null;
}

const READERS = 2;
const WAYS: readonly Way[] = ['streamed', 'mapped'];

/**
 * Measures in turns, so that what else the machine does meets all alike.
 *
 * @throws HyperionError `UNSUPPORTED` without control groups or direct reads; what sessions throw; `CANCELLED`
 */
export async function compareLoading(model: Model, options: LoadingOptions): Promise<LoadingResult> {
  const { budget, threads, promptTokens, tokens, repeat, signal, onProgress } = options;
  const disk: number[] = [];
  const runs: Record<Way, CappedResult[]> = { streamed: [], mapped: [] };
  const total = repeat * (WAYS.length + 1);
  let done = 0;
  await flush(model.files);
  for (let i = 0; i < repeat; i += 1) {
    for (const way of WAYS) {
      onProgress?.(done++, total);
      runs[way].push(
        await runInGroup({ model: model.path, way, budget, threads, promptTokens, tokens }, signal),
      );
    }
    onProgress?.(done++, total);
    disk.push(await diskSpeed(model));
    if (signal.aborted) throw new HyperionError('CANCELLED', 'the benchmark was cancelled');
  }
  if (new Set(WAYS.flatMap((way) => runs[way].map(({ logits }) => logits))).size !== 1)
    throw new HyperionError(
      'CORRUPT',
      'streamed and mapped weights gave different logits: the comparison is void',
    );

  const [streamed, mapped] = [summarize(runs.streamed), summarize(runs.mapped)];
  const diskBytesPerSecond = spread(disk);
  const speed = streamed.tokensPerSecond.median;
  const allowed = streamed.bytesPerToken ? diskBytesPerSecond.median / streamed.bytesPerToken : null;
  return {
    modelBytes: model.bytes,
    budget,
    threads,
    promptTokens,
    tokens,
    repeat,
    diskBytesPerSecond,
    streamed,
    mapped,
    ratio: speed / mapped.tokensPerSecond.median,
    diskTokensPerSecond: allowed,
    shareOfDisk: allowed && speed / allowed,
  };
}

/** Pages that are not on the disk yet cannot be dropped from the cache. */
async function flush(files: readonly string[]): Promise<void> {
  for (const path of files) {
    const file = await open(path);
    await file.datasync().finally(() => file.close());
  }
}

async function diskSpeed(model: Model): Promise<number> {
  const bytes = model.files.reduce((sum, file) => sum + statSync(file).size, 0);
  const began = performance.now();
  await model.readFiles(READERS);
  return (bytes * 1000) / (performance.now() - began);
}

function summarize(runs: readonly CappedResult[]): WayResult {
  const of = <Key extends keyof CappedResult>(key: Key) => runs.map((run) => run[key]);
  const read = of('bytesPerToken').filter((bytes) => bytes !== null);
  return {
    tokensPerSecond: spread(of('tokensPerSecond')),
    timeToFirstTokenMs: spread(of('timeToFirstTokenMs')),
    bytesPerToken: read.length > 0 ? spread(read).median : null,
    residentPeakBytes: Math.max(...of('residentPeakBytes')),
    limitBytes: Math.max(...of('limitBytes')),
    groupPeakBytes: Math.max(...of('groupPeakBytes')),
  };
}
