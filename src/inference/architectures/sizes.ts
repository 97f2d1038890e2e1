/** The fields of config.json that most architectures share, read and held against each other. */
import type { ConfigReader } from '../../model/config';
import type { Activation } from '../../native';
import { layerCount } from './layer-count';

export interface HeadSizes {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly inner: number;
  readonly vocab: number;
}

/** No model is near it, and beyond it the rotary frequencies alone take the memory of a process. */
const MOST_HEAD_DIM = 2 ** 16;

/** @throws HyperionError `BAD_FORMAT` or `UNSUPPORTED`, naming the field */
export function readSizes(config: ConfigReader): HeadSizes {
  refuseQuantized(config);
  const width = config.count('hidden_size');
  const heads = config.count('num_attention_heads');
  const kvHeads = config.count('num_key_value_heads', heads);
  if (heads % kvHeads !== 0)
    throw config.bad(`num_attention_heads ${heads} is not a multiple of num_key_value_heads ${kvHeads}`);
  if (!config.has('head_dim') && width % heads !== 0)
    throw config.bad(`hidden_size ${width} is not a multiple of num_attention_heads ${heads}`);
  const headDim = config.count('head_dim', width / heads);
  if (headDim > MOST_HEAD_DIM)
    throw config.bad(`heads of ${headDim} numbers; they can have ${MOST_HEAD_DIM} at most`);
  return {
    width,
    heads,
    kvHeads,
    headDim,
    layers: layerCount(config),
    inner: config.count('intermediate_size'),
    vocab: config.count('vocab_size'),
  };
}

/** Weights that other libraries quantized lie in tensors of their own making. */
export function refuseQuantized(config: ConfigReader): void {
  if (config.has('quantization_config'))
    throw config.unsupported('quantization_config is set; weights of F32, F16 and BF16 are supported');
}

/** transformers' names of the functions that the engine has. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu_erf',
  gelu_new: 'gelu_tanh',
  gelu_fast: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
};

/** @throws HyperionError `BAD_FORMAT`, or `UNSUPPORTED` for a function that the engine does not have */
export function readActivation(config: ConfigReader, field: string, fallback: string): Activation {
  const name = config.text(field, fallback);
  if (Object.hasOwn(ACTIVATIONS, name)) return ACTIVATIONS[name]!;
  const known = Object.keys(ACTIVATIONS).join(', ');
  throw config.unsupported(`the activation '${name}' is not supported; ${known} are`);
}
