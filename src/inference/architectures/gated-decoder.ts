/**
 * A decoder with gated feed-forward layers, as Llama introduced it: embedding; per block attention and feed-forward, each
 * behind an RMSNorm and added to the residual stream; final norm; output. Families of this shape differ in their traits.
 * Formulas: transformers, `modeling_llama.py` and its descendants.
 */
import type { ConfigReader } from '../../model/config';
import type { Activation, NativeGraph, NativeLayer, RotaryTable } from '../../native';
import { layer, type TensorTable } from '../../scheduling/graph';
import { GraphBuilder } from './builder';
import { readRotary } from './rotary';
import { type HeadSizes, readActivation, readSizes } from './sizes';

/** What sets one family apart from another. What a family does not say is as Llama has it. */
export interface DecoderTraits {
  /** of the gate; without it `hidden_act` says */
  readonly activation?: Activation;
  /** which matrices have a bias */
  readonly bias?: {
    readonly queryKeyValue?: boolean;
    readonly attentionOutput?: boolean;
    readonly feedForward?: boolean;
  };
  /** whether the queries and keys of each head are normalized before they turn */
  readonly queryKeyNorm?: boolean;
  /** whether query, key and value are one matrix, and gate and up another */
  readonly fused?: boolean;
  /** added to the weights of norms */
  readonly normOffset?: number;
  /** names of a block's norms beside `input_layernorm`; those after a part stand before it is added */
  readonly norms?: {
    readonly beforeFeedForward: string;
    readonly afterAttention?: string;
    readonly afterFeedForward?: string;
  };
  /** multiplies the embeddings */
  readonly embeddingFactor?: number;
  /** multiplies the products of queries and keys; without it 1 / sqrt(headDim) does */
  readonly attentionScale?: number;
  /** soft cap of the attention scores */
  readonly attentionSoftcap?: number | undefined;
  /** soft cap of the logits */
  readonly logitsSoftcap?: number | undefined;
  /** whether embedding and output share a table where the configuration does not say */
  readonly tied?: boolean;
  /** tokens that a sequence can have; without it `max_position_embeddings` says */
  readonly contextLength?: number;
  /** without them one is read from the configuration */
  readonly rotary?: readonly RotaryTable[];
  /** whether the numbers of a pair that turns are neighbours */
  readonly interleaved?: boolean;
  /** what differs between blocks: positions that a query sees, itself included, and which rotary table */
  readonly block?: (index: number) => { readonly window?: number | undefined; readonly rotary?: number };
}

const LLAMA_NORMS: NonNullable<DecoderTraits['norms']> = { beforeFeedForward: 'post_attention_layernorm' };

/** transformers' default for `rms_norm_eps`. */
const DEFAULT_EPS = 1e-6;

/**
 * The graph of a gated decoder.
 *
 * @throws HyperionError `BAD_FORMAT` or `UNSUPPORTED`, naming the field of config.json or the tensor
 */
export function gatedDecoder(
  config: ConfigReader,
  tensors: TensorTable,
  traits: DecoderTraits = {},
): NativeGraph {
  const sizes = readSizes(config);
  const { width, vocab, kvHeads, headDim } = sizes;
  const builder = new GraphBuilder(tensors, buffersOf(sizes));
  const norm = normOf(builder, config, traits);
  const tied = config.flag('tie_word_embeddings', traits.tied ?? false);
  const table = 'model.embed_tokens';
  // Layers come first: they hold the sizes against the tensors, before anything is made in those sizes.
  const layers = [
    layer('embedding', 'embedding', [builder.embed(table, 'residual', vocab)]),
    ...Array.from({ length: sizes.layers }, (_, index) => [
      attentionLayer(builder, sizes, traits, norm, index),
      feedForwardLayer(builder, config, sizes, traits, norm, index),
    ]).flat(),
    layer('norm', 'norm', [norm('model.norm', 'residual', 'normed')]),
    layer('output', 'output', [
      builder.linear(tied ? table : 'lm_head', 'normed', 'logits'),
      ...(traits.logitsSoftcap === undefined ? [] : [builder.softcap('logits', traits.logitsSoftcap)]),
    ]),
  ];
  return builder.graph({
    width,
    vocab,
    contextLength: traits.contextLength ?? config.count('max_position_embeddings'),
    kv: { layers: sizes.layers, width: kvHeads * headDim },
    rotary: traits.rotary ?? [readRotary(config, headDim)],
    result: { buffer: 'logits', kind: 'logits' },
    layers,
  });
}

function buffersOf({ width, heads, kvHeads, headDim, inner, vocab }: HeadSizes) {
  return {
    residual: width,
    normed: width,
    query: heads * headDim,
    key: kvHeads * headDim,
    value: kvHeads * headDim,
    attended: heads * headDim,
    gate: inner,
    up: inner,
    logits: vocab,
  };
}

type Buffer = keyof ReturnType<typeof buffersOf>;
type Builder = GraphBuilder<Buffer>;
type Norm = ReturnType<typeof normOf>;

function normOf(builder: Builder, config: ConfigReader, { normOffset = 0 }: DecoderTraits) {
  const eps = config.positive('rms_norm_eps', DEFAULT_EPS);
  return (name: string, from: Buffer, to: Buffer, heads = 1) =>
    builder.rmsNorm(name, from, to, eps, { offset: normOffset, heads });
}

function attentionLayer(
  builder: Builder,
  { heads, kvHeads, headDim }: HeadSizes,
  traits: DecoderTraits,
  norm: Norm,
  index: number,
): NativeLayer {
  const prefix = `model.layers.${index}`;
  const { bias = {}, norms = LLAMA_NORMS, interleaved = false } = traits;
  const { window, rotary: table = 0 } = traits.block?.(index) ?? {};
  const [width, kvWidth] = [heads * headDim, kvHeads * headDim];
  const all = width + 2 * kvWidth;
  const project = (name: string, to: Buffer, first: number) =>
    traits.fused
      ? builder.linear(`${prefix}.self_attn.qkv_proj`, 'normed', to, {
          bias: bias.queryKeyValue,
          part: { first, of: all },
        })
      : builder.linear(`${prefix}.self_attn.${name}`, 'normed', to, { bias: bias.queryKeyValue });
  return layer(`layers.${index}.attention`, 'attention', [
    ...(index === 0 && traits.embeddingFactor !== undefined
      ? [builder.scale('residual', traits.embeddingFactor)]
      : []),
    norm(`${prefix}.input_layernorm`, 'residual', 'normed'),
    project('q_proj', 'query', 0),
    project('k_proj', 'key', width),
    project('v_proj', 'value', width + kvWidth),
    ...(traits.queryKeyNorm
      ? [
          norm(`${prefix}.self_attn.q_norm`, 'query', 'query', heads),
          norm(`${prefix}.self_attn.k_norm`, 'key', 'key', kvHeads),
        ]
      : []),
    builder.rope('query', { heads, headDim, table, interleaved }),
    builder.rope('key', { heads: kvHeads, headDim, table, interleaved }),
    builder.attention({
      q: 'query',
      k: 'key',
      v: 'value',
      out: 'attended',
      cache: index,
      heads,
      kvHeads,
      headDim,
      scale: traits.attentionScale ?? 1 / Math.sqrt(headDim),
      window,
      softcap: traits.attentionSoftcap,
    }),
    builder.linear(`${prefix}.self_attn.o_proj`, 'attended', 'normed', { bias: bias.attentionOutput }),
    ...(norms.afterAttention ? [norm(`${prefix}.${norms.afterAttention}`, 'normed', 'normed')] : []),
    builder.add('normed', 'residual'),
  ]);
}

function feedForwardLayer(
  builder: Builder,
  config: ConfigReader,
  { inner }: HeadSizes,
  traits: DecoderTraits,
  norm: Norm,
  index: number,
): NativeLayer {
  const prefix = `model.layers.${index}`;
  const { norms = LLAMA_NORMS } = traits;
  const bias = traits.bias?.feedForward;
  const project = (name: string, to: Buffer, first: number) =>
    traits.fused
      ? builder.linear(`${prefix}.mlp.gate_up_proj`, 'normed', to, { bias, part: { first, of: 2 * inner } })
      : builder.linear(`${prefix}.mlp.${name}`, 'normed', to, { bias });
  return layer(`layers.${index}.feed_forward`, 'feed_forward', [
    norm(`${prefix}.${norms.beforeFeedForward}`, 'residual', 'normed'),
    project('gate_proj', 'gate', 0),
    project('up_proj', 'up', inner),
    builder.activate(traits.activation ?? readActivation(config, 'hidden_act', 'silu'), 'gate'),
    builder.multiply('up', 'gate'),
    builder.linear(`${prefix}.mlp.down_proj`, 'gate', 'normed', { bias }),
    ...(norms.afterFeedForward ? [norm(`${prefix}.${norms.afterFeedForward}`, 'normed', 'normed')] : []),
    builder.add('normed', 'residual'),
  ]);
}
