/** What a token adds to a session's KV cache; the engine rounds blocks of 64 tokens up to pages (`plan` says to what). */
import type { NativeGraph } from '../native';

/** bytes of keys and values of one token, by the type of the cache */
export function kvBytesPerToken({ kv, layers }: NativeGraph): { f32: number; int8: number } {
  const heads = layers.flatMap(({ ops }) => ops.map((op) => (op.op === 'attention' ? op.kvHeads : 0)));
  const scales = Math.max(0, ...heads) * Float32Array.BYTES_PER_ELEMENT;
  return {
    f32: 2 * kv.layers * kv.width * Float32Array.BYTES_PER_ELEMENT,
    int8: 2 * kv.layers * (kv.width + scales),
  };
}
