/** What the measurements of a case come to: speeds against their limit, reads and memory against their bounds. */
import { statSync } from 'node:fs';
import { HyperionError } from '../../errors';
import type { Model } from '../../inference/model';
import type { CappedOutcome, CappedResult } from './capped-run';
import type { LoadingCase, LoadingOptions, WayName } from './loading-cases';
import { type Bandwidths, mostRead, passLimit } from './loading-limits';
import { BATCH_PROMPTS } from './loading-run';
import { type Spread, spread } from './spread';

/** All runs of one way. Sizes in bytes; the largest of all runs unless a spread. */
export interface WayResult {
  readonly way: WayName;
  /** what ended a run of it, after which there were no more; null when nothing did */
  readonly failure: string | null;
  readonly kills: number;
  /** of the runs that ended well; null when there were none */
  readonly figures: WayFigures | null;
}

export interface WayFigures {
  /** of all prompts together */
  readonly tokensPerSecond: Spread;
  readonly timeToFirstTokenMs: Spread;
  /** of what disk and memory allowed just before and after each run; null where the kernel does not count reads */
  readonly shareOfLimit: Spread | null;
  /** median; fetched from storage, as the kernel counts it (/proc/self/io, read_bytes) */
  readonly bytesPerPass: number | null;
  /** VmHWM */
  readonly residentPeakBytes: number;
  readonly residentGrowthBytes: number;
  /** as the control group counts, page cache included */
  readonly groupPeakBytes: number;
  readonly groupGrowthBytes: number;
}

export interface CaseResult extends Pick<LoadingCase, 'name' | 'budget' | 'tokens' | 'goal'> {
  readonly model: string;
  readonly fileBytes: number;
  /** what each run's control group may hold; null for no limit */
  readonly capBytes: number | null;
  /** weights that a pass computes with */
  readonly passBytes: number;
  /** what a pass under the budget may read at most */
  readonly mostBytesPerPass: number;
  readonly diskBytesPerSecond: Spread;
  readonly memoryBytesPerSecond: Spread;
  readonly ways: readonly WayResult[];
}

export interface MeasuredRun {
  readonly outcome: CappedOutcome;
  /** around it */
  readonly bandwidths: Bandwidths;
}

/** All that was measured of one case. */
export interface Measured {
  readonly case: LoadingCase;
  readonly capBytes: number | null;
  readonly runs: ReadonlyMap<WayName, readonly MeasuredRun[]>;
}

/** @throws HyperionError `CORRUPT` when ways gave different logits */
export function summarize(measured: Measured, options: LoadingOptions): CaseResult {
  const { runs, capBytes } = measured;
  const { name, model, budget, tokens, goal } = measured.case;
  const all = [...runs.values()].flat();
  checkLogits(name, all);
  // The embedding's rows are read singly.
  const visited = model.layers.filter(({ kind }) => kind !== 'embedding');
  const passBytes = visited.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    ...{ name, budget, tokens, goal, capBytes, passBytes },
    model: model.name,
    fileBytes: fileBytesOf(model),
    mostBytesPerPass: budget === null ? 0 : mostReadOf(model, budget, tokens, options),
    diskBytesPerSecond: spread(all.map(({ bandwidths }) => bandwidths.disk)),
    memoryBytesPerSecond: spread(all.map(({ bandwidths }) => bandwidths.memory)),
    ways: [...runs].map(([way, its]) => summarizeWay(way, its, passBytes)),
  };
}

function checkLogits(name: string, runs: readonly MeasuredRun[]): void {
  const logits = runs.flatMap(({ outcome }) =>
    outcome.kind === 'measured' ? (outcome.result.logits ?? []) : [],
  );
  if (new Set(logits).size > 1)
    throw new HyperionError('CORRUPT', `${name}: the ways gave different logits; the comparison is void`);
}

function mostReadOf(
  model: Model,
  budget: number,
  tokens: number,
  { threads, promptTokens }: LoadingOptions,
): number {
  const plan = model.plan({ budget, threads, positions: promptTokens + tokens });
  const workingSetBytes = plan.smallestBudgetBytes - plan.largestPartBytes;
  const largest = (kind: string) =>
    Math.max(0, ...model.layers.filter((layer) => layer.kind === kind).map(({ bytes }) => bytes));
  const blockBytes = largest('attention') + largest('feed_forward');
  return mostRead({ modelBytes: model.bytes, budget, workingSetBytes, blockBytes });
}

function summarizeWay(way: WayName, its: readonly MeasuredRun[], passBytes: number): WayResult {
  const outcomes = its.map(({ outcome }) => outcome);
  const runs = its.flatMap(({ outcome, bandwidths }) =>
    outcome.kind === 'measured' ? { ...outcome.result, bandwidths } : [],
  );
  const failure = outcomes.find(({ kind }) => kind !== 'measured');
  const kills = outcomes.filter(({ kind }) => kind === 'killed').length;
  const prompts = way === 'batch' ? BATCH_PROMPTS : 1;
  const shares = runs.flatMap(({ tokensPerSecond, bytesPerPass, bandwidths }) =>
    bytesPerPass === null ? [] : tokensPerSecond / (prompts * passLimit(bytesPerPass, passBytes, bandwidths)),
  );
  const figures = runs.length > 0 ? figuresOf(runs, shares) : null;
  return { way, failure: failure ? describe(failure) : null, kills, figures };
}

function describe(outcome: CappedOutcome): string {
  if (outcome.kind === 'killed') return 'killed by the cap';
  if (outcome.kind === 'late') return `not done in ${outcome.deadlineSeconds} s`;
  return outcome.kind === 'failed' ? outcome.error.message : '';
}

function figuresOf(runs: readonly CappedResult[], shares: readonly number[]): WayFigures {
  const of = <Key extends keyof CappedResult>(key: Key) => runs.map((run) => run[key]);
  const read = of('bytesPerPass').filter((bytes) => bytes !== null);
  return {
    tokensPerSecond: spread(of('tokensPerSecond')),
    timeToFirstTokenMs: spread(of('timeToFirstTokenMs')),
    shareOfLimit: shares.length > 0 ? spread(shares) : null,
    bytesPerPass: read.length > 0 ? spread(read).median : null,
    residentPeakBytes: Math.max(...of('residentPeakBytes')),
    residentGrowthBytes: Math.max(...runs.map((run) => run.residentPeakBytes - run.residentBaselineBytes)),
    groupPeakBytes: Math.max(...of('groupPeakBytes')),
    groupGrowthBytes: Math.max(...runs.map((run) => run.groupPeakBytes - run.groupBaselineBytes)),
  };
}

export function fileBytesOf(model: Model): number {
  return model.files.reduce((sum, file) => sum + statSync(file).size, 0);
}
