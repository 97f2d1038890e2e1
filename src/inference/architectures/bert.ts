/**
 * BERT, an encoder: every token sees the whole text, and LayerNorm follows each sum with the residual stream.
 * Formulas: transformers, `modeling_bert.py`.
 */
import type { ConfigReader } from '../../model/config';
import type { NativeGraph, NativeLayer, NativeOp } from '../../native';
import { layer, type TensorTable } from '../../scheduling/graph';
import type { Architecture } from './architecture';
import { GraphBuilder } from './builder';
import { readActivation, readSizes } from './sizes';

export const bert: Architecture = { name: 'bert', classes: ['BertModel', 'BertForMaskedLM'], build };

/** A text alone is the first of the two that BERT was trained on. */
const FIRST_TEXT = 0;

function build(config: ConfigReader, tensors: TensorTable): NativeGraph {
  const { width, heads, kvHeads, headDim, inner, vocab, layers } = readSizes(config);
  const contextLength = config.count('max_position_embeddings');
  const eps = config.positive('layer_norm_eps', 1e-12);
  const activation = readActivation(config, 'hidden_act', 'gelu');
  const positions = config.text('position_embedding_type', 'absolute');
  if (positions !== 'absolute')
    throw config.unsupported(`position_embedding_type '${positions}' is not supported; absolute is`);
  if (config.flag('is_decoder', false)) throw config.unsupported('is_decoder is set; encoders are supported');
  const prefix = tensors.has('bert.embeddings.word_embeddings.weight') ? 'bert.' : '';
  const builder = new GraphBuilder(tensors, {
    residual: width,
    query: width,
    key: width,
    value: width,
    attended: width,
    inner,
    part: width,
    hidden: width,
  });
  const bias = { bias: true };

  const attention = (index: number): NativeLayer => {
    const block = `${prefix}encoder.layer.${index}.attention`;
    return layer(`layers.${index}.attention`, 'attention', [
      builder.linear(`${block}.self.query`, 'residual', 'query', bias),
      builder.linear(`${block}.self.key`, 'residual', 'key', bias),
      builder.linear(`${block}.self.value`, 'residual', 'value', bias),
      builder.attention({
        q: 'query',
        k: 'key',
        v: 'value',
        out: 'attended',
        // A text is computed in one piece, layer by layer, so all layers use one place for keys and values.
        cache: 0,
        heads,
        kvHeads,
        headDim,
        scale: 1 / Math.sqrt(headDim),
        causal: false,
      }),
      builder.linear(`${block}.output.dense`, 'attended', 'part', bias),
      builder.add('part', 'residual'),
      builder.layerNorm(`${block}.output.LayerNorm`, 'residual', 'residual', eps),
    ]);
  };
  const lastNorm = (index: number, to: 'residual' | 'hidden'): NativeOp =>
    builder.layerNorm(`${prefix}encoder.layer.${index}.output.LayerNorm`, 'residual', to, eps);
  const feedForward = (index: number): NativeLayer => {
    const block = `${prefix}encoder.layer.${index}`;
    return layer(`layers.${index}.feed_forward`, 'feed_forward', [
      builder.linear(`${block}.intermediate.dense`, 'residual', 'inner', bias),
      builder.activate(activation, 'inner'),
      builder.linear(`${block}.output.dense`, 'inner', 'part', bias),
      builder.add('part', 'residual'),
      // The very last norm makes the result, in a layer of its own.
      ...(index + 1 < layers ? [lastNorm(index, 'residual')] : []),
    ]);
  };

  const embeddings = `${prefix}embeddings`;
  const types = config.count('type_vocab_size', 2);
  return builder.graph({
    width,
    vocab,
    contextLength,
    kv: { layers: 1, width },
    result: { buffer: 'hidden', kind: 'hidden' },
    layers: [
      layer('embedding', 'embedding', [builder.embed(`${embeddings}.word_embeddings`, 'residual', vocab)]),
      layer('positions', 'embedding', [
        builder.addRow(`${embeddings}.token_type_embeddings`, 'residual', types, FIRST_TEXT),
        builder.addRow(`${embeddings}.position_embeddings`, 'residual', contextLength),
        builder.layerNorm(`${embeddings}.LayerNorm`, 'residual', 'residual', eps),
      ]),
      ...Array.from({ length: layers }, (_, index) => [attention(index), feedForward(index)]).flat(),
      layer('norm', 'norm', [lastNorm(layers - 1, 'hidden')]),
    ],
  });
}
