/** A large model as several safetensors files: which tensors go into which, their names, and the index of them all. */
import { bytesOf, type TensorShape } from './safetensors-writer';

/** A file has at most this many bytes, unless one tensor has more. */
const LARGEST_SHARD = 2e9;

/** Tensors by file, in their order. */
export function splitShards<T extends TensorShape>(tensors: readonly T[]): T[][] {
  const shards: T[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    if (bytes > 0 && bytes + bytesOf(tensor) > LARGEST_SHARD) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += bytesOf(tensor);
  }
  return shards;
}

export function shardName(index: number, count: number): string {
  const number = (value: number) => String(value).padStart(5, '0');
  return count === 1 ? 'model.safetensors' : `model-${number(index + 1)}-of-${number(count)}.safetensors`;
}

/** What model.safetensors.index.json holds. */
export function indexOf(shards: readonly (readonly TensorShape[])[]): object {
  const map = shards.flatMap((tensors, i) => tensors.map(({ name }) => [name, shardName(i, shards.length)]));
  const total = shards.flat().reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  return { metadata: { total_size: total }, weight_map: Object.fromEntries(map) };
}
