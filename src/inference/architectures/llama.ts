/**
 * The Llama family as a graph: embedding; per layer attention and feed-forward, each with RMSNorm before and added to the
 * residual stream; final norm; output. Families of the same shape differ in biases and in the attention window alone.
 * Formulas: transformers, `modeling_llama.py`.
 */
import type { ConfigReader } from '../../model/config';
import type { NativeGraph, NativeLayer, NativeOp } from '../../native';
import { bufferTable, layer, type TensorTable } from '../../scheduling/graph';
import { layerCount } from './layer-count';
import { readRotary } from './rotary';

/** What sets one family apart from another. */
export interface LlamaFamily {
  readonly queryKeyValueBias: (config: ConfigReader) => boolean;
  readonly attentionOutputBias: (config: ConfigReader) => boolean;
  readonly feedForwardBias: (config: ConfigReader) => boolean;
  /** positions that a layer's queries see, themselves included; undefined = all */
  readonly window: (config: ConfigReader, layer: number) => number | undefined;
}

const never = () => false;

/** Biases where the configuration asks for them; no window. */
export const LLAMA: LlamaFamily = {
  queryKeyValueBias: (config) => config.flag('attention_bias', false),
  attentionOutputBias: (config) => config.flag('attention_bias', false),
  feedForwardBias: (config) => config.flag('mlp_bias', false),
  window: () => undefined,
};

/** No biases; every layer has the window, when there is one. */
export const MISTRAL: LlamaFamily = {
  queryKeyValueBias: never,
  attentionOutputBias: never,
  feedForwardBias: never,
  window: (config) => (config.has('sliding_window') ? config.count('sliding_window') : undefined),
};

/** Biases on queries, keys and values alone; a window only where it is switched on and only in the later layers. */
export const QWEN2: LlamaFamily = {
  queryKeyValueBias: () => true,
  attentionOutputBias: never,
  feedForwardBias: never,
  window: (config, index) => {
    if (!config.flag('use_sliding_window', false) || !config.has('sliding_window')) return undefined;
    const types = config.texts('layer_types');
    const slides = types
      ? types[index] === 'sliding_attention'
      : index >= config.count('max_window_layers', 28);
    return slides ? config.count('sliding_window') : undefined;
  },
};

interface Sizes {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly inner: number;
  readonly vocab: number;
  readonly eps: number;
}

/**
 * The graph of a model of this family.
 *
 * @throws HyperionError `BAD_FORMAT` or `UNSUPPORTED`, naming the field of config.json or the tensor
 */
export function buildLlama(family: LlamaFamily, config: ConfigReader, tensors: TensorTable): NativeGraph {
  const sizes = readSizes(config);
  const { width, heads, kvHeads, headDim, inner, vocab } = sizes;
  const { buffers, index: buffer } = bufferTable({
    residual: width,
    normed: width,
    query: heads * headDim,
    key: kvHeads * headDim,
    value: kvHeads * headDim,
    attended: heads * headDim,
    gate: inner,
    up: inner,
    logits: vocab,
  });
  const bias = {
    queryKeyValue: family.queryKeyValueBias(config),
    attentionOutput: family.attentionOutputBias(config),
    feedForward: family.feedForwardBias(config),
  };

  const norm = (name: string): NativeOp => ({
    op: 'rms_norm',
    in: buffer.residual,
    out: buffer.normed,
    weight: tensors.require(`${name}.weight`, [width]),
    eps: sizes.eps,
  });
  const linear = (
    name: string,
    from: keyof typeof buffer,
    to: keyof typeof buffer,
    hasBias: boolean,
  ): NativeOp => {
    const [inWidth, outWidth] = [buffers[buffer[from]]!.width, buffers[buffer[to]]!.width];
    const weight = tensors.require(`${name}.weight`, [outWidth, inWidth]);
    const op = { op: 'matmul', in: buffer[from], out: buffer[to], weight } as const;
    return hasBias ? { ...op, bias: tensors.require(`${name}.bias`, [outWidth]) } : op;
  };
  const addToResidual: NativeOp = { op: 'add', in: buffer.normed, out: buffer.residual };

  const attention = (index: number): NativeLayer => {
    const prefix = `model.layers.${index}`;
    return layer(`layers.${index}.attention`, 'attention', [
      norm(`${prefix}.input_layernorm`),
      linear(`${prefix}.self_attn.q_proj`, 'normed', 'query', bias.queryKeyValue),
      linear(`${prefix}.self_attn.k_proj`, 'normed', 'key', bias.queryKeyValue),
      linear(`${prefix}.self_attn.v_proj`, 'normed', 'value', bias.queryKeyValue),
      { op: 'rope', buffer: buffer.query, heads, headDim },
      { op: 'rope', buffer: buffer.key, heads: kvHeads, headDim },
      {
        op: 'attention',
        q: buffer.query,
        k: buffer.key,
        v: buffer.value,
        out: buffer.attended,
        cache: index,
        heads,
        kvHeads,
        headDim,
        scale: 1 / Math.sqrt(headDim),
        ...window(index),
      },
      linear(`${prefix}.self_attn.o_proj`, 'attended', 'normed', bias.attentionOutput),
      addToResidual,
    ]);
  };
  const window = (index: number) => {
    const positions = family.window(config, index);
    return positions === undefined ? {} : { window: positions };
  };
  const feedForward = (index: number): NativeLayer => {
    const prefix = `model.layers.${index}`;
    return layer(`layers.${index}.feed_forward`, 'feed_forward', [
      norm(`${prefix}.post_attention_layernorm`),
      linear(`${prefix}.mlp.gate_proj`, 'normed', 'gate', bias.feedForward),
      linear(`${prefix}.mlp.up_proj`, 'normed', 'up', bias.feedForward),
      { op: 'swiglu', gate: buffer.gate, up: buffer.up, out: buffer.gate },
      linear(`${prefix}.mlp.down_proj`, 'gate', 'normed', bias.feedForward),
      addToResidual,
    ]);
  };

  const table = tensors.require('model.embed_tokens.weight', [vocab, width]);
  const output = config.flag('tie_word_embeddings', false)
    ? table
    : tensors.require('lm_head.weight', [vocab, width]);
  // Layers come first: they hold the sizes against the tensors, before anything is made in those sizes.
  const layers = [
    layer('embedding', 'embedding', [{ op: 'embed', out: buffer.residual, table }]),
    ...Array.from({ length: sizes.layers }, (_, index) => [attention(index), feedForward(index)]).flat(),
    layer('norm', 'norm', [norm('model.norm')]),
    layer('output', 'output', [{ op: 'matmul', in: buffer.normed, out: buffer.logits, weight: output }]),
  ];
  return {
    width,
    vocab,
    contextLength: config.count('max_position_embeddings'),
    kv: { layers: sizes.layers, width: kvHeads * headDim },
    rotary: readRotary(config, headDim),
    buffers,
    layers,
  };
}

function readSizes(config: ConfigReader): Sizes {
  const width = config.count('hidden_size');
  const heads = config.count('num_attention_heads');
  const kvHeads = config.count('num_key_value_heads', heads);
  if (heads % kvHeads !== 0)
    throw config.bad(`num_attention_heads ${heads} is not a multiple of num_key_value_heads ${kvHeads}`);
  if (!config.has('head_dim') && width % heads !== 0)
    throw config.bad(`hidden_size ${width} is not a multiple of num_attention_heads ${heads}`);
  const headDim = config.count('head_dim', width / heads);
  if (headDim % 2 !== 0) throw config.bad(`head_dim ${headDim} must be even: rotary embedding turns pairs`);
  const activation = config.text('hidden_act', 'silu');
  if (activation !== 'silu' && activation !== 'swish')
    throw config.unsupported(`the activation '${activation}' is not supported; silu is`);
  if (config.has('quantization_config'))
    throw config.unsupported('quantization_config is set; weights of F32, F16 and BF16 are supported');
  return {
    width,
    heads,
    kvHeads,
    headDim,
    layers: layerCount(config),
    inner: config.count('intermediate_size'),
    vocab: config.count('vocab_size'),
    eps: config.positive('rms_norm_eps', 1e-6),
  };
}
