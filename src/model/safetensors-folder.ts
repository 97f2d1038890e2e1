/** The tensors of a folder as Hugging Face lays it out: one safetensors file, or shards with an index. */
import { join } from 'node:path';
import { HyperionError } from '../errors';
import { readJsonIfPresent } from './files';
import { clip, excerpt, isObject, type JsonObject } from './json';
import { readSafetensorsHeader } from './safetensors';
import type { TensorInfo } from './tensor-info';

/**
 * Tensors of all files, sorted by file, then by place in the file.
 *
 * @throws HyperionError `IO`, `BAD_FORMAT` or `UNSUPPORTED`, naming the file and the tensor
 */
export async function readSafetensorsFolder(folder: string): Promise<TensorInfo[]> {
  const indexPath = join(folder, 'model.safetensors.index.json');
  const index = await readJsonIfPresent(indexPath, { distinctNames: true });
  return index
    ? readShards(folder, indexPath, index)
    : readSafetensorsFile(join(folder, 'model.safetensors'));
}

/** The same of one file. */
export async function readSafetensorsFile(file: string): Promise<TensorInfo[]> {
  return (await readSafetensorsHeader(file)).map((entry) => ({ ...entry, file }));
}

/** The index maps each tensor to its shard: { weight_map: { name: file } }. */
async function readShards(folder: string, indexPath: string, index: JsonObject): Promise<TensorInfo[]> {
  const fail = (problem: string) =>
    new HyperionError('BAD_FORMAT', `${indexPath}: ${problem}`, { path: indexPath });
  const map = index.weight_map;
  if (!isObject(map)) throw fail("'weight_map' is missing, or not an object");
  const shardOf = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(map)) {
    if (!isFileName(shard))
      throw fail(`tensor '${clip(tensor)}' has the shard ${excerpt(shard)}, not a file name`);
    shardOf.set(tensor, shard);
  }

  const tensors: TensorInfo[] = [];
  const unseen = new Map(shardOf);
  // One after another: an index can name more files than a process may open.
  for (const shard of [...new Set(shardOf.values())].sort()) {
    for (const tensor of await readSafetensorsFile(join(folder, shard))) {
      if (unseen.get(tensor.name) !== shard)
        throw fail(describeStray(tensor.name, shard, shardOf.get(tensor.name)));
      unseen.delete(tensor.name);
      tensors.push(tensor);
    }
  }
  for (const [tensor, shard] of unseen) throw fail(`tensor '${clip(tensor)}' is not in its shard ${shard}`);
  return tensors;
}

/** The longest name that a file can have. */
const LONGEST_NAME = 255;

/** True of what names a file of this folder, and no other. */
function isFileName(shard: unknown): shard is string {
  return typeof shard === 'string' && shard.length <= LONGEST_NAME && !/^\.{0,2}$|[/\\\0]/.test(shard);
}

function describeStray(tensor: string, found: string, expected: string | undefined): string {
  return expected === undefined
    ? `tensor '${clip(tensor)}' is in ${found}, but the index does not name it`
    : `tensor '${clip(tensor)}' is in ${found}; the index gives it to ${expected}, once`;
}
