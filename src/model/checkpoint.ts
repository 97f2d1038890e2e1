/**
 * What a model's files hold, before anything is computed: configuration, tensors, tokenizer. Knows the folder layout of
 * Hugging Face; leaves the meaning of the configuration to the architectures.
 */
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { HyperionError } from '../errors';
import { ioError } from '../io';
import { isObject, type JsonObject, readJson, readJsonIfPresent } from './files';
import { readSafetensorsHeader, type TensorEntry } from './safetensors';
import { Tokenizer } from './tokenizer';

/** A tensor of a model: name, element type, shape, and where its bytes lie. */
export interface TensorInfo extends TensorEntry {
  readonly file: string;
}

export interface Checkpoint {
  /** the folder, or the one file that was named */
  readonly path: string;
  readonly format: 'safetensors';
  readonly configPath: string;
  readonly config: JsonObject;
  /** sorted by file, then by place in the file */
  readonly tensors: readonly TensorInfo[];
  readonly tokenizer: Tokenizer | null;
  /** tokens that end a text; empty when the model does not say */
  readonly endIds: readonly number[];
  /** the file's name of a tensor, for its name in Hugging Face's models; absent when they are the same */
  readonly fileName?: (canonical: string) => string;
}

/**
 * Reads what a model's files say about themselves: of the weights only the headers.
 *
 * @param path a folder with config.json and model.safetensors (or shards with an index), or one .safetensors file
 *   with config.json beside it
 * @throws HyperionError `IO`, `BAD_FORMAT` or `UNSUPPORTED`, naming the file and the tensor
 */
export async function openCheckpoint(path: string, options: { tokenizer: boolean }): Promise<Checkpoint> {
  const full = resolve(path);
  const isFolder = await stat(full).then(
    (entry) => entry.isDirectory(),
    (error) => {
      throw ioError(full, error);
    },
  );
  if (!isFolder && !full.endsWith('.safetensors')) {
    const message = `${full} is not a model that can be read; name a folder or a .safetensors file`;
    throw new HyperionError('UNSUPPORTED', message, { path: full });
  }
  const folder = isFolder ? full : dirname(full);
  const configPath = join(folder, 'config.json');
  const config = await readJson(configPath);
  const generation = (await readJsonIfPresent(join(folder, 'generation_config.json'))) ?? {};
  return {
    path: full,
    format: 'safetensors',
    configPath,
    config,
    tensors: isFolder ? await readFolder(folder) : await readFile(full),
    tokenizer: options.tokenizer ? await Tokenizer.fromFolder(folder) : null,
    endIds: endIds(generation.eos_token_id ?? config.eos_token_id),
  };
}

async function readFolder(folder: string): Promise<TensorInfo[]> {
  const indexPath = join(folder, 'model.safetensors.index.json');
  const index = await readJsonIfPresent(indexPath);
  return index ? readShards(folder, indexPath, index) : readFile(join(folder, 'model.safetensors'));
}

async function readFile(file: string): Promise<TensorInfo[]> {
  return (await readSafetensorsHeader(file)).map((entry) => ({ ...entry, file }));
}

/** The index maps each tensor to its shard: { weight_map: { name: file } }. */
async function readShards(folder: string, indexPath: string, index: JsonObject): Promise<TensorInfo[]> {
  const fail = (problem: string) =>
    new HyperionError('BAD_FORMAT', `${indexPath}: ${problem}`, { path: indexPath });
  const map = index.weight_map;
  if (!isObject(map)) throw fail("'weight_map' is missing, or not an object");
  for (const [tensor, shard] of Object.entries(map))
    if (!isFileName(shard))
      throw fail(`tensor '${tensor}' has the shard ${JSON.stringify(shard)}, not a file name`);

  const shards = [...new Set(Object.values(map) as string[])].sort();
  const tensors = (await Promise.all(shards.map((shard) => readFile(join(folder, shard))))).flat();
  const shardOf = new Map(Object.entries(map) as [string, string][]);
  const unseen = new Map(shardOf);
  for (const { name, file } of tensors) {
    const shard = unseen.get(name);
    if (shard !== basename(file)) throw fail(describeStray(name, basename(file), shardOf.get(name)));
    unseen.delete(name);
  }
  for (const [tensor, shard] of unseen) throw fail(`tensor '${tensor}' is not in its shard ${shard}`);
  return tensors;
}

function isFileName(shard: unknown): shard is string {
  return typeof shard === 'string' && shard !== '' && !shard.includes('/') && !shard.includes(sep);
}

function describeStray(tensor: string, found: string, expected: string | undefined): string {
  return expected === undefined
    ? `tensor '${tensor}' is in ${found}, but the index does not name it`
    : `tensor '${tensor}' is in ${found}; the index gives it to ${expected}, once`;
}

function endIds(value: unknown): number[] {
  const ids = Array.isArray(value) ? value : [value];
  return ids.filter((id) => Number.isSafeInteger(id));
}
