/** `hyperion bench model`: its options, the samples that it writes, and what it prints. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { checkInteger } from '../../checks';
import { Progress } from '../../display';
import { convert } from '../../inference/convert';
import { SHAPES } from '../../model/sample/shapes';
import { writeSample } from '../../model/sample/write';
import { interruptSignal, parseNumber, printJson } from '../options';
import { compareModels, type ModelResult } from './model';
import { type GgufShapeName, SHAPE_NAMES, writeGgufSample } from './model-gguf';
import { modelReport } from './model-report';

export function registerModel(bench: Command): void {
  bench
    .command('model')
    .summary("models opened and read, against Python's safetensors and gguf")
    .description(
      'Measure how long a model takes to open, what memory that takes, and how fast its tensors are read, as bytes and as float32 ' +
        "numbers, beside Python's safetensors and gguf packages (of the Python that HYPERION_PYTHON names, else python3), in turns. The " +
        'same model as a .tmai file is measured too, which nothing else reads.',
    )
    .addOption(
      new Option('--shape <name>', 'shape of the samples').choices(SHAPE_NAMES).default('tinyllama-1.1b'),
    )
    .option('--repeat <n>', 'runs of each', parseNumber, 3)
    .option('--json', 'print one JSON object')
    .action(model);
}

interface Flags {
  readonly shape: GgufShapeName;
  readonly repeat: number;
  readonly json?: boolean;
}

/** Of each type: enough for a steady figure, and no minutes of Python's. */
const MOST_BYTES = 128 * 2 ** 20;

async function model(flags: Flags): Promise<void> {
  checkInteger('repeat', flags.repeat, 1, 1000);
  const folder = await mkdtemp(join(tmpdir(), 'hyperion-bench-'));
  try {
    const result = await measure(folder, flags, interruptSignal());
    if (flags.json) printJson(result);
    else process.stdout.write(modelReport(result));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string, { shape, repeat }: Flags, signal: AbortSignal): Promise<ModelResult> {
  const directory = join(folder, 'safetensors');
  const gguf = join(folder, 'model.gguf');
  const tmai = join(folder, 'model.tmai');
  const writing = new Progress(`writing samples of ${shape}`, undefined, { unit: 'bytes' });
  // f16, because numpy has no bf16.
  const sample = { shape, dtype: 'f16', directory, signal } as const;
  await writeSample({ ...sample, onProgress: (done) => writing.update(done) })
    .then(() => writeGgufSample(gguf, SHAPES[shape], 'mixture', signal))
    .then(() => convert(directory, tmai, { signal }))
    .finally(() => writing.finish());
  const shards = (await readdir(directory)).filter((name) => name.endsWith('.safetensors'));
  const files = shards.map((name) => join(directory, name));
  const subjects = [
    { format: 'safetensors', path: directory, files },
    { format: 'gguf', path: gguf, files: [gguf] },
    { format: 'tmai', path: tmai, files: [tmai] },
  ] as const;
  const progress = new Progress('measuring', repeat * subjects.length);
  const onProgress = (done: number) => progress.update(done);
  return compareModels(subjects, { repeat, mostBytes: MOST_BYTES, signal, onProgress }).finally(() =>
    progress.finish(),
  );
}
