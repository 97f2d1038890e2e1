/** A shape written out the way Hugging Face writes a model: its config.json, and its tensors by name. */
import type { Shape } from './shapes';

/** How the values of a tensor are made: drawn around 0, or all 1. */
export interface SampleTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly fill: 'normal' | 'ones';
}

const DTYPE_NAMES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/** The config.json of a shape. It names no end token: random weights would meet it at a random place. */
export function sampleConfig(shape: Shape, dtype: keyof typeof DTYPE_NAMES): object {
  const common = {
    bos_token_id: null,
    eos_token_id: null,
    tie_word_embeddings: shape.tied,
    dtype: DTYPE_NAMES[dtype],
    vocab_size: shape.vocab,
    initializer_range: 0.02,
  };
  return shape.family === 'gpt2' ? gpt2Config(shape, common) : llamaConfig(shape, common);
}

function llamaConfig(shape: Shape, common: object): object {
  const isQwen = shape.family === 'qwen2';
  return {
    architectures: [isQwen ? 'Qwen2ForCausalLM' : 'LlamaForCausalLM'],
    model_type: shape.family,
    ...common,
    hidden_act: 'silu',
    hidden_size: shape.hidden,
    intermediate_size: shape.intermediate,
    max_position_embeddings: shape.context,
    num_attention_heads: shape.heads,
    num_hidden_layers: shape.layers,
    num_key_value_heads: shape.kvHeads,
    rms_norm_eps: shape.eps,
    rope_theta: shape.ropeTheta,
    rope_scaling: null,
    ...(isQwen
      ? { use_sliding_window: false, sliding_window: shape.context, max_window_layers: shape.layers }
      : { attention_bias: false, mlp_bias: false }),
  };
}

function gpt2Config(shape: Shape, common: object): object {
  return {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    ...common,
    activation_function: 'gelu_new',
    n_embd: shape.hidden,
    n_head: shape.heads,
    n_inner: shape.intermediate,
    n_layer: shape.layers,
    n_positions: shape.context,
    layer_norm_epsilon: shape.eps,
  };
}

/** The tensors of a shape, in the order in which a forward pass needs them. */
export function sampleTensors(shape: Shape): SampleTensor[] {
  return shape.family === 'gpt2' ? gpt2Tensors(shape) : llamaTensors(shape);
}

const drawn = (name: string, ...shape: number[]): SampleTensor => ({ name, shape, fill: 'normal' });
const ones = (name: string, ...shape: number[]): SampleTensor => ({ name, shape, fill: 'ones' });

function llamaTensors({
  family,
  layers,
  hidden,
  heads,
  kvHeads,
  intermediate,
  vocab,
  tied,
}: Shape): SampleTensor[] {
  const kvWidth = (hidden / heads) * kvHeads;
  const layer = (prefix: string): SampleTensor[] => {
    const biases = [
      drawn(`${prefix}.self_attn.q_proj.bias`, hidden),
      drawn(`${prefix}.self_attn.k_proj.bias`, kvWidth),
      drawn(`${prefix}.self_attn.v_proj.bias`, kvWidth),
    ];
    return [
      ones(`${prefix}.input_layernorm.weight`, hidden),
      drawn(`${prefix}.self_attn.q_proj.weight`, hidden, hidden),
      drawn(`${prefix}.self_attn.k_proj.weight`, kvWidth, hidden),
      drawn(`${prefix}.self_attn.v_proj.weight`, kvWidth, hidden),
      ...(family === 'qwen2' ? biases : []),
      drawn(`${prefix}.self_attn.o_proj.weight`, hidden, hidden),
      ones(`${prefix}.post_attention_layernorm.weight`, hidden),
      drawn(`${prefix}.mlp.gate_proj.weight`, intermediate, hidden),
      drawn(`${prefix}.mlp.up_proj.weight`, intermediate, hidden),
      drawn(`${prefix}.mlp.down_proj.weight`, hidden, intermediate),
    ];
  };
  return [
    drawn('model.embed_tokens.weight', vocab, hidden),
    ...each(layers, (index) => layer(`model.layers.${index}`)),
    ones('model.norm.weight', hidden),
    ...(tied ? [] : [drawn('lm_head.weight', vocab, hidden)]),
  ];
}

/** gpt2 keeps its matrices as [in, out]. */
function gpt2Tensors({ layers, hidden, intermediate, vocab, context }: Shape): SampleTensor[] {
  const linear = (name: string, from: number, to: number) => [
    drawn(`${name}.weight`, from, to),
    drawn(`${name}.bias`, to),
  ];
  const norm = (name: string) => [ones(`${name}.weight`, hidden), drawn(`${name}.bias`, hidden)];
  return [
    drawn('transformer.wte.weight', vocab, hidden),
    drawn('transformer.wpe.weight', context, hidden),
    ...each(layers, (index) => {
      const prefix = `transformer.h.${index}`;
      return [
        ...norm(`${prefix}.ln_1`),
        ...linear(`${prefix}.attn.c_attn`, hidden, 3 * hidden),
        ...linear(`${prefix}.attn.c_proj`, hidden, hidden),
        ...norm(`${prefix}.ln_2`),
        ...linear(`${prefix}.mlp.c_fc`, hidden, intermediate),
        ...linear(`${prefix}.mlp.c_proj`, intermediate, hidden),
      ];
    }),
    ...norm('transformer.ln_f'),
  ];
}

function each(count: number, make: (index: number) => SampleTensor[]): SampleTensor[] {
  return Array.from({ length: count }, (_, index) => make(index)).flat();
}
