/**
 * GGUF models for the benchmarks: a published shape, its matrices all of one type, or feed-forward ones as Q4_K where rows allow and the
 * others as Q8_0. Numbers are random, and about as large as those of a trained model.
 */
import { HyperionError } from '../../errors';
import { blockOf } from '../../model/dtypes';
import { ggufName } from '../../model/gguf/names';
import { checkDiskSpace, makeFile } from '../../model/new-file';
import { sampleTensors } from '../../model/sample/describe';
import type { Shape } from '../../model/sample/shapes';
import { native } from '../../native';
import { type GgufMetadata, type GgufTensor, ggufAligned, ggufBytesOf, ggufHeader } from './gguf-writer';

/** Of the Llama architecture, which GGUF has names for here. */
export const SHAPE_NAMES = ['tinyllama-1.1b', 'smollm2-135m'] as const;
export type GgufShapeName = (typeof SHAPE_NAMES)[number];

export type GgufSampleType = 'mixture' | 'F16' | 'Q8_0' | 'Q4_0';

/** What is made of each type; tensors repeat it. */
const SOURCE_BYTES = 2 ** 20;

/**
 * Writes the file; what stood there is replaced when the new one is whole.
 *
 * @throws HyperionError `IO`, also when the disk has no room for it; `CANCELLED`
 */
export async function writeGgufSample(
  path: string,
  shape: Shape,
  of: GgufSampleType = 'mixture',
  signal?: AbortSignal,
): Promise<void> {
  const tensors = tensorsOf(shape, of);
  const header = ggufHeader(metadataOf(shape), tensors);
  await checkDiskSpace(
    path,
    tensors.reduce((end, tensor) => end + ggufAligned(ggufBytesOf(tensor)), header.length),
  );
  const sources = new Map<GgufTensor['type'], Uint8Array>();
  for (const { type } of tensors) if (!sources.has(type)) sources.set(type, await sourceOf(type));
  await makeFile(path, async (file) => {
    await file.write(header, 0);
    let begin = header.length;
    for (const tensor of tensors) {
      if (signal?.aborted) throw new HyperionError('CANCELLED', `writing ${path} was cancelled`);
      const source = sources.get(tensor.type)!;
      const end = begin + ggufBytesOf(tensor);
      for (let at = begin; at < end; at += source.length)
        await file.write(source.subarray(0, Math.min(source.length, end - at)), at);
      begin = ggufAligned(end);
    }
    await file.setSize(begin);
  });
}

function tensorsOf(shape: Shape, of: GgufSampleType): GgufTensor[] {
  return sampleTensors(shape).map(({ name, shape: extents }) => {
    const renamed = ggufName('llama', name);
    return { name: renamed, type: typeOf(renamed, extents, of), shape: extents };
  });
}

function typeOf(name: string, extents: readonly number[], of: GgufSampleType): GgufTensor['type'] {
  if (extents.length === 1) return 'F32';
  if (of !== 'mixture') return of;
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
    'tokenizer.ggml.tokens': ids.map(tokenOf),
    'tokenizer.ggml.scores': { f32s: ids.map((id) => -id) },
    'tokenizer.ggml.token_type': { i32s: ids.map(tokenTypeOf) },
  };
}

/** As in Llama's vocabulary, whose bytes llama.cpp insists on: three tokens that are no text, one for each byte, then pieces of text. */
const SPECIAL = ['<unk>', '<s>', '</s>'];
const FIRST_PIECE = SPECIAL.length + 256;

function tokenOf(id: number): string {
  const byte = (id - SPECIAL.length).toString(16).toUpperCase().padStart(2, '0');
  return SPECIAL[id] ?? (id < FIRST_PIECE ? `<0x${byte}>` : `piece${id}`);
}

/** ggml's numbers: 1 for text, 2 for what is unknown, 3 for control, 6 for a byte. */
function tokenTypeOf(id: number): number {
  if (id < SPECIAL.length) return id === 0 ? 2 : 3;
  return id < FIRST_PIECE ? 6 : 1;
}

async function sourceOf(type: GgufTensor['type']): Promise<Uint8Array> {
  if (type === 'F32') return Buffer.from(new Float32Array(SOURCE_BYTES / 4).fill(1).buffer);
  if (type !== 'F16') return blocksOf(type);
  const values = new Uint8Array(SOURCE_BYTES);
  await native().fillNormal(values, 'F16', 0, 0, 0.02);
  return values;
}

/** The f16 numbers at the begin of a block, which scale its quants to a standard deviation of about 0.02: 2^-12, 2^-8, 2^-11. */
const SCALES = { Q8_0: [0x0c00], Q4_0: [0x1c00], Q4_K: [0x1000, 0x1000] } as const;

/** Random quants under those scales. */
function blocksOf(type: keyof typeof SCALES): Uint8Array {
  const { bytes } = blockOf(type);
  let state = 1;
  const blocks = Buffer.from(
    Uint8Array.from({ length: Math.floor(SOURCE_BYTES / bytes) * bytes }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state >>> 24;
    }),
  );
  for (let at = 0; at < blocks.length; at += bytes)
    for (const [index, scale] of SCALES[type].entries()) blocks.writeUInt16LE(scale, at + 2 * index);
  return blocks;
}
