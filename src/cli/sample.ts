/** `hyperion sample`: models of real shapes with random weights, to measure memory and speed without a download. */
import { type Command, Option } from 'commander';
import { Progress } from '../display';
import { SHAPES, type ShapeName } from '../model/sample/shapes';
import { type SampleOptions, writeSample } from '../model/sample/write';
import { formatBytes, formatDuration } from '../units';
import { interruptSignal, parseNumber, printJson } from './options';

export function register(program: Command): void {
  program
    .command('sample')
    .summary('write a model of a real shape with random weights')
    .description(
      'Write a model of a published shape with seeded random weights: config.json, safetensors (sharded above 2 GB) and a ' +
        'tokenizer with a token per byte.',
    )
    .addOption(new Option('--shape <name>', 'the shape').choices(Object.keys(SHAPES)).makeOptionMandatory())
    .addOption(
      new Option('--dtype <type>', 'type of the weights').choices(['f32', 'f16', 'bf16']).default('bf16'),
    )
    .requiredOption('--out <folder>', 'the folder to write')
    .option('--seed <s>', 'equal seeds give equal files (default: 0)', parseNumber)
    .option('--layers <n>', 'blocks, instead of those of the shape', parseNumber)
    .option('--hidden <n>', 'width of the residual stream', parseNumber)
    .option('--heads <n>', 'heads of queries', parseNumber)
    .option('--kv-heads <n>', 'heads of keys and values', parseNumber)
    .option('--intermediate <n>', 'width within the feed-forward', parseNumber)
    .option('--vocab <n>', 'tokens in the vocabulary', parseNumber)
    .option('--context <n>', 'tokens in a sequence', parseNumber)
    .option('--force', 'replace the model that is in the folder')
    .option('--json', 'print one JSON object')
    .action(sample);
}

interface Flags extends NonNullable<SampleOptions['sizes']> {
  shape: ShapeName;
  dtype: SampleOptions['dtype'];
  out: string;
  seed?: number;
  force?: boolean;
  json?: boolean;
}

async function sample({ shape, dtype, out, seed, force, json, ...sizes }: Flags): Promise<void> {
  const began = performance.now();
  let progress: Progress | undefined;
  const onProgress = (done: number, total: number) => {
    progress ??= new Progress(`writing ${out}`, total, { unit: 'bytes' });
    progress.update(done);
  };
  const signal = interruptSignal();
  const options = { shape, dtype, directory: out, seed, sizes, force, signal, onProgress };
  const bytes = await writeSample(options).finally(() => progress?.finish());
  const ms = performance.now() - began;
  if (json) return printJson({ out, shape, dtype, bytes, ms });
  process.stdout.write(
    `${out}: ${shape}, ${dtype}, ${formatBytes(bytes)} in ${formatDuration(ms)}, ${formatBytes((bytes * 1000) / ms)}/s\n`,
  );
}
