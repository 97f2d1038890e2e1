/** `hyperion inspect`: what a model's files hold. */
import type { Command } from 'commander';
import { Table } from '../display';
import { HyperionError } from '../errors';
import { verify } from '../inference/convert';
import { openModel } from '../inference/model';
import { openCheckpoint, type TensorInfo } from '../model/checkpoint';
import { type OpaqueModel, readOpaqueModel } from '../model/tmai/version1';
import { formatBytes, formatCount } from '../units';
import { printJson, withProgress } from './options';

export function register(program: Command): void {
  program
    .command('inspect')
    .summary('show the layers and tensors of a model')
    .description('Show architecture, layers and tensors of a model. Reads headers, no weights unless asked.')
    .argument('<model>', 'a model folder, or a .safetensors, .gguf or .tmai file')
    .option('--verify', 'read all of a .tmai file, and hold each layer against its checksum')
    .option('--json', 'print one JSON object')
    .action(inspect);
}

async function inspect(path: string, { json = false, verify: isToVerify = false }): Promise<void> {
  const verifiedBytes = isToVerify
    ? await withProgress(`checking ${path}`, (work) => verify(path, work))
    : undefined;
  await show(path, json, verifiedBytes);
  if (verifiedBytes !== undefined && !json)
    process.stdout.write(`every layer matches its checksum: ${formatBytes(verifiedBytes)}\n`);
}

async function show(path: string, json: boolean, verifiedBytes: number | undefined): Promise<void> {
  const opaque = path.endsWith('.tmai') ? await readOpaqueModel(path) : undefined;
  if (opaque) return showOpaque(opaque, json);
  const model = await openModel(path, { tokenizer: false }).catch((error) => {
    if (error instanceof HyperionError && error.code === 'UNSUPPORTED') return error;
    throw error;
  });
  if (model instanceof HyperionError) return showTensors(path, model, json, verifiedBytes);
  if (!json) {
    process.stdout.write(`${model}\n`);
    return;
  }
  const { format, architecture, parameters, bytes } = model;
  printJson({
    ...{ format, architecture, parameters, bytes, verifiedBytes },
    layers: model.layers.map(({ name, bytes, tensors }) => ({ name, bytes, tensors })),
    tensors: model.tensors.map(listed),
  });
}

function listed({ name, dtype, shape, bytes, recipe }: TensorInfo) {
  return { name, dtype, shape, bytes, recipe };
}

/** What a file has that can be read and not computed; what keeps it from that goes to standard error. */
async function showTensors(
  path: string,
  why: HyperionError,
  json: boolean,
  verifiedBytes: number | undefined,
): Promise<void> {
  const { name, format, config, tensors } = await openCheckpoint(path, { tokenizer: false }).catch(() => {
    throw why;
  });
  const architecture = String([config.architectures].flat()[0] ?? config.model_type);
  const sum = (count: (tensor: TensorInfo) => number) => tensors.reduce((all, one) => all + count(one), 0);
  const bytes = sum((tensor) => tensor.bytes);
  const parameters = sum(({ shape }) => shape.reduce((product, size) => product * size, 1));
  process.stderr.write(`${why.message}\n`);
  if (json) {
    const facts = { format, architecture, parameters, bytes, verifiedBytes };
    printJson({ ...facts, layers: [], tensors: tensors.map(listed) });
    return;
  }
  const columns = [
    { label: 'tensor' },
    { label: 'bytes', unit: 'bytes' },
    { label: 'dtype' },
    { label: 'shape' },
  ] as const;
  const rows = tensors.map((tensor) => [
    tensor.name,
    tensor.bytes,
    tensor.dtype,
    `[${tensor.shape.join(', ')}]`,
  ]);
  const caption = `${name}: ${architecture} (${format}), ${formatCount(parameters)} parameters, ${formatBytes(bytes)}`;
  process.stdout.write(`${new Table(columns, rows, { caption })}\n`);
}

/** A .tmai 1 file: layers of so many bytes, and nothing of what they hold. */
function showOpaque({ name, layers }: OpaqueModel, json: boolean): void {
  const bytes = layers.reduce((sum, layer) => sum + layer.bytes, 0);
  const parameters = layers.reduce((sum, layer) => sum + Math.floor((layer.bytes * 8) / layer.precision), 0);
  if (json) {
    const listed = layers.map((layer) => ({ name: layer.name, bytes: layer.bytes, tensors: [] }));
    printJson({ format: 'tmai', architecture: null, parameters, bytes, layers: listed, tensors: [] });
    return;
  }
  const columns = [
    { label: 'layer' },
    { label: 'bytes', unit: 'bytes' },
    { label: 'bits', unit: 'count' },
  ] as const;
  const rows = layers.map((layer) => [layer.name, layer.bytes, layer.precision]);
  const caption = `${name}: layers of .tmai 1, which do not say what they hold, ${formatBytes(bytes)}`;
  process.stdout.write(`${new Table(columns, rows, { caption })}\n`);
}
