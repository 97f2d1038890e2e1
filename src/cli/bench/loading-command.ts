/** `hyperion bench loading`: its options, the samples that it writes where no model is given, and what it prints. */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { checkInteger } from '../../checks';
import { Progress } from '../../display';
import { HyperionError } from '../../errors';
import { type Model, openModel } from '../../inference/model';
import { writeWhole } from '../../io';
import { SHAPES } from '../../model/sample/shapes';
import { parseSize } from '../../units';
import { interruptSignal, parseNumber, printJson } from '../options';
import { measureLoading } from './loading';
import {
  CASES,
  type CaseDescription,
  type LoadingCase,
  type LoadingOptions,
  type WayName,
} from './loading-cases';
import { CHARTED, loadingChart } from './loading-chart';
import { WARM_UP_TOKENS } from './loading-child';
import { verdictsOf } from './loading-goals';
import { findLoadingPeers } from './loading-peers';
import { loadingReport } from './loading-report';
import { openSamples, type SampleName } from './loading-samples';
import { fileBytesOf } from './loading-summary';
import { type GgufShapeName, SHAPE_NAMES } from './model-gguf';

export function registerLoading(bench: Command): void {
  bench
    .command('loading')
    .summary('models larger than their budget, against the disk, the memory and llama.cpp')
    .description(
      'Measure the decode speed of models that stream into a budget against what disk and memory allow, and beside llama.cpp, ' +
        "ik_llama.cpp and Python's accelerate where they are installed. Each run is a process in a " +
        'control group capped at the budget + 150 MiB; all are measured in turns. Samples take 4 GiB in the folder for temporary files. ' +
        'Needs Linux and the right to make control groups.',
    )
    .addOption(
      new Option('--only <names...>', 'cases that are measured (default: all)').choices(
        CASES.map(({ name }) => name),
      ),
    )
    .addOption(
      new Option('--shape <name>', 'shape of the samples').choices(SHAPE_NAMES).default('tinyllama-1.1b'),
    )
    .addOption(
      new Option(
        '--model <path>',
        'a model that is there, streamed and mapped, instead of all cases',
      ).conflicts(['only', 'shape']),
    )
    .option('--budget <size>', "for that model's session (default: half of its files)")
    .option('--prompt-tokens <n>', 'tokens of the prompt', parseNumber, 8)
    .option('--tokens <n>', `tokens that are measured, after ${WARM_UP_TOKENS} that are not`, parseNumber, 8)
    .option('--repeat <n>', 'rounds, in each of which every way is run', parseNumber, 3)
    .option('--threads <n>', 'threads that compute (default: the processors)', parseNumber)
    .option('--svg <file>', 'also draw the speed of f16 by budget')
    .option('--json', 'print one JSON object')
    .action(loading);
}

interface Flags {
  readonly only?: readonly string[];
  readonly shape: GgufShapeName;
  readonly model?: string;
  readonly budget?: string;
  readonly promptTokens: number;
  readonly tokens: number;
  readonly repeat: number;
  readonly threads?: number;
  readonly svg?: string;
  readonly json?: boolean;
}

async function loading(flags: Flags): Promise<void> {
  if (flags.model) return measureModel(flags.model, flags);
  if (flags.budget !== undefined)
    throw new HyperionError('INVALID', 'budget is for a model that --model names; the cases have their own');
  const options = optionsOf(flags, SHAPES[flags.shape].context);
  const described = CASES.filter(({ name }) => flags.only?.includes(name) ?? true);
  if (flags.svg && !described.some(({ name }) => CHARTED.test(name)))
    throw new HyperionError(
      'INVALID',
      'svg draws the cases of f16 under a budget, of which --only leaves none',
    );
  const folder = await mkdtemp(join(tmpdir(), 'hyperion-bench-'));
  const models = new Map<SampleName, Model>();
  try {
    const writing = new Progress(`writing samples of ${flags.shape}`, undefined);
    const names = new Set<SampleName>(described.map(({ type }) => type));
    if (described.some((each) => presentWays(each.ways, options).includes('accelerate')))
      names.add('safetensors');
    await openSamples(models, names, folder, flags.shape, options.signal).finally(() => writing.finish());
    const cases = described.map((each) => caseOf(each, models, options));
    await measure(cases, options, flags);
  } finally {
    for (const model of models.values()) model.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function caseOf(
  { name, type, share, ways, timesTokens = 1, runs = 1, goal }: CaseDescription,
  models: ReadonlyMap<SampleName, Model>,
  options: Options,
): LoadingCase {
  const model = models.get(type)!;
  const budget = share === null ? null : Math.floor(share * fileBytesOf(model));
  const tokens = options.tokens * timesTokens;
  const safetensors = models.get('safetensors');
  return { name, model, safetensors, budget, goal, tokens, runs, ways: presentWays(ways, options) };
}

function presentWays(ways: readonly WayName[], { peers }: Options): readonly WayName[] {
  const absent = peers.filter(({ version }) => version === null).map(({ name }) => name as WayName);
  return ways.filter((way) => !absent.includes(way));
}

async function measureModel(path: string, flags: Flags): Promise<void> {
  const model = await openModel(path, { tokenizer: false });
  try {
    const options = optionsOf(flags, model.contextLength);
    const budget = flags.budget ? parseSize(flags.budget, 'budget') : Math.floor(fileBytesOf(model) / 2);
    const all = ['streamed', 'mapped', ...(path.endsWith('.gguf') ? (['llama.cpp'] as const) : [])] as const;
    const ways = presentWays(all, options);
    const { tokens } = options;
    await measure([{ name: model.name, model, budget, ways, tokens, runs: 1, goal: {} }], options, flags);
  } finally {
    model.close();
  }
}

type Options = LoadingOptions & Pick<LoadingCase, 'tokens'>;

const MOST_TIMES_TOKENS = Math.max(...CASES.map(({ timesTokens = 1 }) => timesTokens));

function optionsOf(flags: Flags, contextLength: number): Options {
  const most = contextLength - WARM_UP_TOKENS - 1;
  const timesTokens = flags.model ? 1 : MOST_TIMES_TOKENS;
  const promptTokens = checkInteger('prompt-tokens', flags.promptTokens, 1, most - timesTokens);
  return {
    threads: checkInteger('threads', flags.threads ?? availableParallelism(), 1, 256),
    promptTokens,
    tokens: checkInteger('tokens', flags.tokens, 1, Math.floor((most - promptTokens) / timesTokens)),
    repeat: checkInteger('repeat', flags.repeat, 1, 1000),
    peers: findLoadingPeers(),
    signal: interruptSignal(),
  };
}

async function measure(
  cases: readonly LoadingCase[],
  options: LoadingOptions,
  { json, svg }: Flags,
): Promise<void> {
  let progress: Progress | undefined;
  const onProgress = (done: number, total: number) => {
    progress ??= new Progress('measuring', total);
    progress.update(done);
  };
  const result = await measureLoading(cases, { ...options, onProgress }).finally(() => progress?.finish());
  if (json) printJson({ ...result, verdicts: result.cases.flatMap(verdictsOf) });
  else process.stdout.write(loadingReport(result));
  // Last: no figure is lost to a path where nothing can be written.
  if (svg) await writeWhole(svg, await loadingChart(result).toSVG());
}
