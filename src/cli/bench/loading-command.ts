/** `hyperion bench loading`: its options, the sample that it writes where no model is given, and what it prints. */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { checkInteger } from '../../checks';
import { Progress } from '../../display';
import { openModel } from '../../inference/model';
import { SHAPES, type ShapeName } from '../../model/sample/shapes';
import { type SampleOptions, writeSample } from '../../model/sample/write';
import { parseSize } from '../../units';
import { interruptSignal, parseNumber, printJson } from '../options';
import { compareLoading, type LoadingResult } from './loading';
import { loadingReport } from './loading-report';
import { WARM_UP_TOKENS } from './loading-run';

export function registerLoading(bench: Command): void {
  bench
    .command('loading')
    .summary('weights streamed into a budget, against mapped files under the same cap')
    .description(
      'Measure the decode speed of weights that are streamed into a budget beside that of plain mmap: the same model, the ' +
        'same kernels, the same memory cap (a control group of resident baseline + budget + 16 MiB), in turns. Needs Linux ' +
        'and the right to make control groups.',
    )
    .addOption(new Option('--model <path>', 'a model that is there, instead of a sample').conflicts('shape'))
    .addOption(
      new Option('--shape <name>', 'shape of the sample')
        .choices(Object.keys(SHAPES))
        .default('tinyllama-1.1b'),
    )
    .addOption(new Option('--dtype <type>', 'of the sample').choices(['f32', 'f16', 'bf16']).default('bf16'))
    .option('--budget <size>', 'memory for the session', '600MiB')
    .option('--prompt-tokens <n>', 'tokens of the prompt', parseNumber, 8)
    .option('--tokens <n>', `tokens that are measured, after ${WARM_UP_TOKENS} that are not`, parseNumber, 8)
    .option('--repeat <n>', 'runs of each way', parseNumber, 3)
    .option('--threads <n>', 'threads that compute (default: the processors)', parseNumber)
    .option('--json', 'print one JSON object')
    .action(loading);
}

interface Flags {
  model?: string;
  shape: ShapeName;
  dtype: SampleOptions['dtype'];
  budget: string;
  promptTokens: number;
  tokens: number;
  repeat: number;
  threads?: number;
  json?: boolean;
}

async function loading(flags: Flags): Promise<void> {
  const signal = interruptSignal();
  if (flags.model) return report(flags.model, flags, signal);
  const directory = await mkdtemp(join(tmpdir(), 'hyperion-bench-'));
  try {
    const progress = new Progress(`writing a sample of ${flags.shape}`, undefined, { unit: 'bytes' });
    const onProgress = (done: number) => progress.update(done);
    await writeSample({ ...flags, directory, signal, onProgress }).finally(() => progress.finish());
    await report(directory, flags, signal, `${flags.shape} ${flags.dtype}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function report(path: string, flags: Flags, signal: AbortSignal, name?: string): Promise<void> {
  const model = await openModel(path, { tokenizer: false });
  try {
    const result = await measure(model, flags, signal);
    if (flags.json) printJson(result);
    else process.stdout.write(loadingReport(name ?? model.name, result));
  } finally {
    model.close();
  }
}

async function measure(
  model: Awaited<ReturnType<typeof openModel>>,
  flags: Flags,
  signal: AbortSignal,
): Promise<LoadingResult> {
  const most = model.contextLength - WARM_UP_TOKENS;
  const promptTokens = checkInteger('prompt-tokens', flags.promptTokens, 1, most - 1);
  const options = {
    budget: parseSize(flags.budget, 'budget'),
    threads: checkInteger('threads', flags.threads ?? availableParallelism(), 1, 256),
    promptTokens,
    tokens: checkInteger('tokens', flags.tokens, 1, most - promptTokens),
    repeat: checkInteger('repeat', flags.repeat, 1, 1000),
    signal,
  };
  const progress = new Progress('measuring', options.repeat * 3);
  const onProgress = (done: number) => progress.update(done);
  return compareLoading(model, { ...options, onProgress }).finally(() => progress.finish());
}
