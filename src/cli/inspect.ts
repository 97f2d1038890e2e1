/** `hyperion inspect`: what a model's files hold. */
import type { Command } from 'commander';
import { openModel } from '../inference/model';
import { printJson } from './options';

export function register(program: Command): void {
  program
    .command('inspect')
    .summary('show the layers and tensors of a model')
    .description('Show architecture, layers and tensors of a model. Reads headers, no weights.')
    .argument('<model>', 'a model folder, or a .safetensors or .gguf file')
    .option('--json', 'print one JSON object')
    .action(inspect);
}

async function inspect(path: string, options: { json?: boolean }): Promise<void> {
  const model = await openModel(path, { tokenizer: false });
  if (!options.json) {
    process.stdout.write(`${model.table()}\n`);
    return;
  }
  const { format, architecture, parameters, bytes } = model;
  printJson({
    format,
    architecture,
    parameters,
    bytes,
    layers: model.layers.map(({ name, bytes, tensors }) => ({ name, bytes, tensors })),
    tensors: model.tensors.map(({ name, dtype, shape, bytes }) => ({ name, dtype, shape, bytes })),
  });
}
