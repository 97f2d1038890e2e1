/** A GGUF model for the benchmark: a published shape, feed-forward matrices as Q4_K where rows allow, the others as Q8_0. */
import { open } from 'node:fs/promises';
import { blockOf } from '../../model/dtypes';
import { ggufName } from '../../model/gguf/names';
import { sampleTensors } from '../../model/sample/describe';
import type { Shape } from '../../model/sample/shapes';
import { type GgufMetadata, type GgufTensor, ggufAligned, ggufBytesOf, ggufHeader } from './gguf-writer';

/** Blocks of each type that are made; tensors repeat them. */
const BLOCKS = 4096;

/** Writes the file; what stood there is replaced. */
export async function writeGgufSample(path: string, shape: Shape): Promise<void> {
  const tensors = tensorsOf(shape);
  const filling = { Q8_0: blocksOf('Q8_0'), Q4_K: blocksOf('Q4_K'), F32: ones(), F16: Buffer.alloc(0) };
  const file = await open(path, 'w');
  try {
    const header = ggufHeader(metadataOf(shape), tensors);
    await file.write(header, 0, header.length, 0);
    let begin = header.length;
    for (const tensor of tensors) {
      const source = filling[tensor.type];
      const end = begin + ggufBytesOf(tensor);
      for (let at = begin; at < end; at += source.length)
        await file.write(source, 0, Math.min(source.length, end - at), at);
      begin = ggufAligned(end);
    }
    await file.truncate(begin);
  } finally {
    await file.close();
  }
}

function tensorsOf(shape: Shape): GgufTensor[] {
  return sampleTensors(shape).map(({ name, shape: extents }) => {
    const renamed = ggufName('llama', name);
    return { name: renamed, type: typeOf(renamed, extents), shape: extents };
  });
}

function typeOf(name: string, extents: readonly number[]): GgufTensor['type'] {
  if (extents.length === 1) return 'F32';
  return name.includes('.ffn_') && extents.at(-1)! % blockOf('Q4_K').elements === 0 ? 'Q4_K' : 'Q8_0';
}

function metadataOf(shape: Shape): GgufMetadata {
  const ids = Array.from({ length: shape.vocab }, (_, id) => id);
  return {
    'general.architecture': 'llama',
    'llama.block_count': shape.layers,
    'llama.context_length': shape.context,
    'llama.embedding_length': shape.hidden,
    'llama.feed_forward_length': shape.intermediate,
    'llama.attention.head_count': shape.heads,
    'llama.attention.head_count_kv': shape.kvHeads,
    'llama.attention.layer_norm_rms_epsilon': { f32: shape.eps },
    'llama.rope.freq_base': { f32: shape.ropeTheta },
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': ids.map((id) => `<${id}>`),
    'tokenizer.ggml.scores': { f32s: ids.map((id) => -id) },
    'tokenizer.ggml.token_type': { i32s: ids.map(() => 1) },
  };
}

/** Random quants under scales of 2^-6: an f16 at the begin of a block, and in Q4_K a second one. */
function blocksOf(type: 'Q8_0' | 'Q4_K'): Buffer {
  const { bytes } = blockOf(type);
  let state = 1;
  const blocks = Buffer.from(
    Uint8Array.from({ length: BLOCKS * bytes }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state >>> 24;
    }),
  );
  for (let at = 0; at < blocks.length; at += bytes) {
    blocks.writeUInt16LE(0x2400, at);
    if (type === 'Q4_K') blocks.writeUInt16LE(0x2400, at + 2);
  }
  return blocks;
}

function ones(): Buffer {
  return Buffer.from(new Float32Array(BLOCKS).fill(1).buffer);
}
