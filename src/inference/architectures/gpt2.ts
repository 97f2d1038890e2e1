/**
 * GPT-2: learned positions, LayerNorm, one matrix for query, key and value, and matrices kept as [in, out].
 * Formulas: transformers, `modeling_gpt2.py`.
 */
import type { ConfigReader } from '../../model/config';
import type { NativeGraph, NativeLayer } from '../../native';
import { layer, type TensorTable } from '../../scheduling/graph';
import type { Architecture } from './architecture';
import { GraphBuilder } from './builder';
import { layerCount } from './layer-count';
import { readActivation, refuseQuantized } from './sizes';

export const gpt2: Architecture = { name: 'gpt2', classes: ['GPT2LMHeadModel'], build };

function build(config: ConfigReader, tensors: TensorTable): NativeGraph {
  refuseQuantized(config);
  const width = config.count('n_embd');
  const heads = config.count('n_head');
  const vocab = config.count('vocab_size');
  const contextLength = config.count('n_positions');
  const layers = layerCount(config, 'n_layer');
  const inner = config.count('n_inner', 4 * width);
  const eps = config.positive('layer_norm_epsilon', 1e-5);
  const activation = readActivation(config, 'activation_function', 'gelu_new');
  if (width % heads !== 0) throw config.bad(`n_embd ${width} is not a multiple of n_head ${heads}`);
  const headDim = width / heads;
  // Files that transformers wrote for the model without its output lack the prefix.
  const prefix = tensors.has('wte.weight') ? '' : 'transformer.';
  const builder = new GraphBuilder(tensors, {
    residual: width,
    normed: width,
    query: width,
    key: width,
    value: width,
    attended: width,
    inner,
    logits: vocab,
  });
  const transposed = !config.flag('gguf_layout', false);
  const options = { bias: true, transposed };

  const attention = (index: number): NativeLayer => {
    const block = `${prefix}h.${index}`;
    const part = (first: number) => ({ ...options, part: { first, of: 3 * width } });
    const scale = config.flag('scale_attn_weights', true) ? 1 / Math.sqrt(headDim) : 1;
    const divisor = config.flag('scale_attn_by_inverse_layer_idx', false) ? index + 1 : 1;
    return layer(`layers.${index}.attention`, 'attention', [
      builder.layerNorm(`${block}.ln_1`, 'residual', 'normed', eps),
      builder.linear(`${block}.attn.c_attn`, 'normed', 'query', part(0)),
      builder.linear(`${block}.attn.c_attn`, 'normed', 'key', part(width)),
      builder.linear(`${block}.attn.c_attn`, 'normed', 'value', part(2 * width)),
      builder.attention({
        q: 'query',
        k: 'key',
        v: 'value',
        out: 'attended',
        cache: index,
        heads,
        kvHeads: heads,
        headDim,
        scale: scale / divisor,
      }),
      builder.linear(`${block}.attn.c_proj`, 'attended', 'normed', options),
      builder.add('normed', 'residual'),
    ]);
  };
  const feedForward = (index: number): NativeLayer => {
    const block = `${prefix}h.${index}`;
    return layer(`layers.${index}.feed_forward`, 'feed_forward', [
      builder.layerNorm(`${block}.ln_2`, 'residual', 'normed', eps),
      builder.linear(`${block}.mlp.c_fc`, 'normed', 'inner', options),
      builder.activate(activation, 'inner'),
      builder.linear(`${block}.mlp.c_proj`, 'inner', 'normed', options),
      builder.add('normed', 'residual'),
    ]);
  };

  const tied = config.flag('tie_word_embeddings', true);
  return builder.graph({
    width,
    vocab,
    contextLength,
    kv: { layers, width },
    result: { buffer: 'logits', kind: 'logits' },
    layers: [
      layer('embedding', 'embedding', [builder.embed(`${prefix}wte`, 'residual', vocab)]),
      layer('positions', 'embedding', [builder.addRow(`${prefix}wpe`, 'residual', contextLength)]),
      ...Array.from({ length: layers }, (_, index) => [attention(index), feedForward(index)]).flat(),
      layer('norm', 'norm', [builder.layerNorm(`${prefix}ln_f`, 'residual', 'normed', eps)]),
      layer('output', 'output', [builder.linear(tied ? `${prefix}wte` : 'lm_head', 'normed', 'logits')]),
    ],
  });
}
