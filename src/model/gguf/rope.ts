/** Rotary positions of a GGUF model as Hugging Face writes them. Some of the numbers are tensors, which are read here. */
import { HyperionError } from '../../errors';
import { openFile, readFully } from '../files';
import type { JsonObject } from '../json';
import { findTensor, type Source } from './source';

const MOST_FACTORS = 2 ** 16;

/**
 * `rope_parameters`, `partial_rotary_factor` where only part of a head is turned, and `rope_freq_factors` where the file
 * divides each frequency by a number of its own.
 *
 * @throws HyperionError `BAD_FORMAT`, `UNSUPPORTED` for a scaling that is not known, `IO`
 */
export async function readRope(source: Source): Promise<JsonObject> {
  const { metadata, key, headDim } = source;
  const turned = metadata.count(key('rope.dimension_count'), headDim);
  const factors = await readFactors(source, 'rope_freqs.weight');
  return {
    rope_parameters: {
      rope_theta: metadata.number(key('rope.freq_base'), 10_000),
      ...(await readScaling(source)),
      ...(turned === headDim ? {} : { partial_rotary_factor: turned / headDim }),
    },
    ...(factors ? { rope_freq_factors: factors } : {}),
  };
}

async function readScaling(source: Source): Promise<JsonObject> {
  const { metadata, key } = source;
  const [short, long] = [
    await readFactors(source, 'rope_factors_short.weight'),
    await readFactors(source, 'rope_factors_long.weight'),
  ];
  const context = metadata.count(key('context_length'));
  const original = metadata.count(key('rope.scaling.original_context_length'), context);
  if (short && long)
    return {
      rope_type: 'longrope',
      short_factor: short,
      long_factor: long,
      original_max_position_embeddings: original,
      ...(metadata.has(key('rope.scaling.attn_factor'))
        ? { attention_factor: metadata.number(key('rope.scaling.attn_factor')) }
        : {}),
    };
  const factor = metadata.number(key('rope.scaling.factor'), metadata.number(key('rope.scale_linear'), 1));
  const type = metadata.text(key('rope.scaling.type'), factor === 1 ? 'none' : 'linear');
  if (type === 'none' || factor === 1) return { rope_type: 'default' };
  if (type === 'linear') return { rope_type: 'linear', factor };
  if (type === 'yarn') {
    // A factor of the file's own is multiplied with the one that follows from the scaling.
    const own = metadata.number(key('rope.scaling.attn_factor'), 1);
    return {
      rope_type: 'yarn',
      factor,
      original_max_position_embeddings: original,
      attention_factor: own * (1 + 0.1 * Math.log(factor)),
      beta_fast: metadata.number(key('rope.scaling.yarn_beta_fast'), 32),
      beta_slow: metadata.number(key('rope.scaling.yarn_beta_slow'), 1),
    };
  }
  throw metadata.unsupported(`the rotary scaling '${type}' is not supported; none, linear and yarn are`);
}

/** A small f32 tensor, or undefined when the file has none of that name. */
async function readFactors(source: Source, name: string): Promise<number[] | undefined> {
  const tensor = findTensor(source, name);
  if (!tensor) return undefined;
  const { file: path, dtype, shape, bytes, offset } = tensor;
  if (dtype !== 'F32' || bytes > 4 * MOST_FACTORS) {
    const message = `${path}: tensor '${name}' is ${dtype} [${shape}]; a list of F32 numbers belongs there`;
    throw new HyperionError('BAD_FORMAT', message, { path, tensor: name });
  }
  const data = new Uint8Array(bytes);
  const { file } = await openFile(path);
  try {
    await readFully(path, file, offset, data);
  } finally {
    await file.close();
  }
  return Array.from(new Float32Array(data.buffer));
}
