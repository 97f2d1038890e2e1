/** The options of a session and of a generation: their meaning, their defaults, their ranges. */
import { availableParallelism } from 'node:os';
import { checkChoice, checkFlag, checkInteger, checkNumber } from '../checks';
import { HyperionError } from '../errors';
import { autoBudget } from '../memory/auto-budget';
import { parseBudget } from '../memory/budget';
import { BudgetGroup } from '../memory/budget-group';
import type { SharedBudget } from '../memory/shared-budget';
import { resolveStrategy, type StrategyConfig, type StrategyName } from '../memory/strategy';
import { IO, type Io, MOST_SEQUENCES, type NativeSessionOptions, POLICIES, type Policy } from '../native';

export interface SessionOptions {
  /**
   * Bytes that the session may hold: a size such as '64 MiB', or a number; or 'auto': what the machine, or the control group of the
   * process, has to spare beside a margin, never more than the model can use. That one falls when memory gets scarce and rises again
   * slowly. Or a group, whose sessions share its budget. Default: no limit.
   */
  readonly budget?: number | string | BudgetGroup;
  /** Layers that are read ahead of the one that computes, 0 to 1024, of large ones eleven parts at most. Default 2. */
  readonly prefetchWindow?: number;
  /**
   * Reads further ahead, up to eleven parts, while the computation waits for reads and readers have nothing to do, and memory allows; less far
   * again when that does not help. Changes no bit of the output. Default false.
   */
  readonly adaptiveWindow?: boolean;
  /**
   * Threads that compute, 1 to 256; fewer where passes that read take no longer with them (`statistics.threads`): the disk is faster when it
   * has the memory's bandwidth to itself. Changes no bit of the output. Default: the processors.
   */
  readonly threads?: number;
  /** Reads that are under way at once, each by a thread of its own unless `io` is 'uring'; 1 to 64. Default 3. */
  readonly readers?: number;
  /**
   * How weights come from their files: 'direct' reads go past the page cache, 'uring' gives such reads to io_uring (Linux), 'buffered' ones
   * go through the cache, and 'mmap' maps the files, all of whose weights the budget must have room for. 'auto' measures the first two when the first pass
   * begins, once for each disk, and takes the cache where direct reads are refused. `statistics.io` tells which it is. Changes no bit of the output. Default 'auto'.
   */
  readonly io?: Io;
  /**
   * Where the session's memory comes from: the name of a strategy, or one with options. A static one without a size takes all that the
   * budget leaves at once. Changes no bit of the output. Default 'dynamic'.
   */
  readonly strategy?: StrategyName | StrategyConfig;
  /**
   * How the KV cache holds keys and values: 'int8' takes about a quarter of the bytes, a scale and whole numbers from -127 to 127 for
   * each token and KV head, and changes logits a little. Default 'f32'.
   */
  readonly kv?: 'f32' | 'int8';
  /**
   * Which layers give way when the budget has no more room: 'cyclic' keeps a set for good and streams the rest, which reads least;
   * 'lru' the least recently used, 'mfu' the most frequently used, 'fifo' the one that was loaded first, 'priority' the one of the
   * lowest priority, which `session.loader.setPriority` sets. Changes no bit of the output. Default 'cyclic'.
   */
  readonly policy?: Policy;
  /** The type of activations. Both choices compute in float32 today; 'auto' leaves a faster type open. Default 'auto'. */
  readonly activations?: 'auto' | 'f32';
}

/** @throws HyperionError `INVALID`, naming the option */
export function resolveSessionOptions(options: SessionOptions): NativeSessionOptions {
  checkChoice('activations', options.activations ?? 'auto', ['auto', 'f32']);
  return {
    budget: sharedBudget(options.budget)
      ? Number.POSITIVE_INFINITY
      : parseBudget(options.budget as number | string),
    prefetchWindow: checkInteger('prefetchWindow', options.prefetchWindow ?? 2, 0, 1024),
    threads: checkInteger('threads', options.threads ?? Math.min(availableParallelism(), 256), 1, 256),
    readers: checkInteger('readers', options.readers ?? 3, 1, 64),
    io: checkChoice('io', options.io ?? 'auto', IO),
    memory: resolveStrategy(options.strategy ?? 'dynamic'),
    kv: checkChoice('kv', options.kv ?? 'f32', ['f32', 'int8']),
    adaptiveWindow: checkFlag('adaptiveWindow', options.adaptiveWindow ?? false),
    policy: checkChoice('policy', options.policy ?? 'cyclic', POLICIES),
  };
}

/** What an option or a call of `setBudget` names instead of a size. */
export function sharedBudget(budget: unknown): SharedBudget | undefined {
  if (budget === 'auto') return autoBudget;
  return budget instanceof BudgetGroup ? budget : undefined;
}

/** @throws HyperionError `INVALID` where the strategy could not give memory back, as a budget that changes asks for */
export function mustShrink({ memory }: NativeSessionOptions): void {
  if (memory.strategy !== 'static') return;
  const message =
    "strategy is 'static', whose pool cannot shrink; a budget that others share takes another strategy";
  throw new HyperionError('INVALID', message);
}

export interface GenerateOptions {
  /** Tokens to generate at most. Default 64, or what the context leaves. */
  readonly maxTokens?: number;
  /** 0 always takes the most probable token; above, probabilities are logits divided by it. Up to 100. Default 0. */
  readonly temperature?: number;
  /** Only the k most probable tokens are drawn from. Default: all. */
  readonly topK?: number;
  /** Only the most probable tokens that together reach this probability, above 0 to 1, are drawn from. Default 1. */
  readonly topP?: number;
  /** The same seed draws the same tokens; 0 to 2^53 - 1. Default 0. */
  readonly seed?: number;
  /** Texts that end the generation; they are not part of what it gives. */
  readonly stop?: readonly string[];
  /**
   * 'prompt-lookup' tries in one pass several tokens that came next where the last ones stood before; the output is the same
   * to the bit. Worth it where a text repeats itself and weights stream. Default 'none'.
   */
  readonly speculate?: 'none' | 'prompt-lookup';
  /** Ends the generation with `CANCELLED`. In a notebook an interrupt of the cell does so too. */
  readonly signal?: AbortSignal;
}

/** Options of several generations at once: each of them has all of these. */
export type BatchOptions = Omit<GenerateOptions, 'speculate'>;

/** @throws HyperionError `INVALID` unless there are prompts, in a list, and nothing is asked that batches do not do */
export function checkPrompts(prompts: unknown, options: GenerateOptions): void {
  if (!Array.isArray(prompts))
    throw new HyperionError('INVALID', `prompts is ${String(prompts)}; it must be a list of prompts`);
  checkInteger('prompts.length', prompts.length, 1, MOST_SEQUENCES);
  if (options.speculate === undefined || options.speculate === 'none') return;
  const message = `speculate is '${options.speculate}'; generateBatch shares passes instead, leave it out`;
  throw new HyperionError('INVALID', message);
}

export interface Sampling {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly seed: number;
}

/** @throws HyperionError `INVALID`, naming the option */
export function resolveSampling(options: GenerateOptions): Sampling {
  const topP = checkNumber('topP', options.topP ?? 1, 0, 1);
  if (topP === 0) throw new HyperionError('INVALID', 'topP is 0; it must be above 0, up to 1');
  return {
    temperature: checkNumber('temperature', options.temperature ?? 0, 0, 100),
    topK: checkInteger('topK', options.topK ?? Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER),
    topP,
    seed: checkInteger('seed', options.seed ?? 0, 0, Number.MAX_SAFE_INTEGER),
  };
}

/** @throws HyperionError `INVALID` unless every stop text is a text with at least one character */
export function resolveStops(stop: readonly string[] = []): readonly string[] {
  const isStop = (text: unknown) => typeof text === 'string' && text !== '';
  if (Array.isArray(stop) && stop.every(isStop)) return stop;
  throw new HyperionError(
    'INVALID',
    `stop is ${JSON.stringify(stop)}; it must be a list of texts, none empty`,
  );
}
