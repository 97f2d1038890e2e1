/** Metadata of GGUF files in the words of Hugging Face, family by family, and the names of their tensors. */
import { describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../../src/model/checkpoint';
import { type TensorToWrite, value, writeGguf } from '../../support/gguf';
import { errorOf } from '../../support/temporary';

const COMMON = {
  context_length: 4096,
  embedding_length: 64,
  block_count: 6,
  feed_forward_length: 160,
  'attention.head_count': 4,
  'attention.head_count_kv': 2,
  'attention.layer_norm_rms_epsilon': value(0.5),
  'attention.layer_norm_epsilon': value(0.25),
};

const floats = (...numbers: number[]) => new Uint8Array(Float32Array.from(numbers).buffer);
const EMBEDDING: TensorToWrite = {
  name: 'token_embd.weight',
  shape: [512, 64],
  data: new Uint8Array(4 * 512 * 64),
};

function open(architecture: string, change: Record<string, unknown> = {}, tensors: TensorToWrite[] = []) {
  const entries = Object.entries({ ...COMMON, ...change }).filter(([, of]) => of !== undefined);
  const metadata = [
    ['general.architecture', architecture] as const,
    ...entries.map(
      ([key, of]) => [/^(tokenizer|general)\./.test(key) ? key : `${architecture}.${key}`, of] as const,
    ),
  ];
  return openCheckpoint(writeGguf({ metadata, tensors: [EMBEDDING, ...tensors] }), { tokenizer: false });
}

const config = async (...args: Parameters<typeof open>) => (await open(...args)).config;

const DECODER = {
  gguf_layout: true,
  hidden_size: 64,
  num_hidden_layers: 6,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 16,
  intermediate_size: 160,
  max_position_embeddings: 4096,
  rms_norm_eps: 0.5,
  vocab_size: 512,
  tie_word_embeddings: true,
  rope_parameters: { rope_theta: 10_000, rope_type: 'default' },
};

describe('families', () => {
  test('llama', async () => {
    const biases = ['attn_q', 'ffn_gate'].map((name) => ({ name: `blk.0.${name}.bias`, shape: [0] }));
    const output = { name: 'output.weight', shape: [0] };
    expect(await config('llama')).toEqual({
      ...DECODER,
      architectures: ['LlamaForCausalLM'],
      attention_bias: false,
      mlp_bias: false,
    });
    expect(await config('llama', {}, [...biases, output])).toMatchObject({
      attention_bias: true,
      mlp_bias: true,
      tie_word_embeddings: false,
    });
  });

  test('mistral names itself llama, and has a window', async () => {
    expect(await config('llama', { 'attention.sliding_window': 1024 })).toMatchObject({
      architectures: ['MistralForCausalLM'],
      sliding_window: 1024,
    });
  });

  test.each([
    ['qwen2', 'Qwen2ForCausalLM'],
    ['qwen3', 'Qwen3ForCausalLM'],
    ['phi3', 'Phi3ForCausalLM'],
  ])('%s', async (architecture, className) => {
    expect(await config(architecture)).toEqual({ ...DECODER, architectures: [className] });
  });

  test('gemma 2', async () => {
    const found = await config('gemma2', { 'attention.key_length': 32, 'attention.value_length': 32 });
    expect(found).toMatchObject({
      architectures: ['Gemma2ForCausalLM'],
      head_dim: 32,
      hidden_activation: 'gelu_pytorch_tanh',
      query_pre_attn_scalar: 32,
      attn_logit_softcapping: 50,
      final_logit_softcapping: 30,
      sliding_window: 4096,
    });
    expect((found.layer_types as string[]).slice(0, 2)).toEqual(['sliding_attention', 'full_attention']);
    // The model of 27 billion parameters, which has 46 layers, scales by its width.
    expect((await config('gemma2', { block_count: 46 })).query_pre_attn_scalar).toBe(16);
  });

  test('gemma 3', async () => {
    const found = await config('gemma3', {
      'attention.sliding_window': 512,
      'rope.freq_base': value(1e6),
      'rope.scaling.type': 'linear',
      'rope.scaling.factor': 8,
    });
    expect(found).toMatchObject({
      architectures: ['Gemma3ForCausalLM'],
      sliding_window: 512,
      rope_parameters: {
        full_attention: { rope_theta: 1e6, rope_type: 'linear', factor: 8 },
        sliding_attention: { rope_theta: 10_000, rope_type: 'default' },
      },
    });
    const types = found.layer_types as string[];
    expect(types.map((type) => type === 'full_attention')).toEqual([false, false, false, false, false, true]);
  });

  test('gpt2', async () => {
    expect(await config('gpt2', { feed_forward_length: 256 })).toEqual({
      gguf_layout: true,
      architectures: ['GPT2LMHeadModel'],
      n_embd: 64,
      n_layer: 6,
      n_head: 4,
      n_inner: 256,
      n_positions: 4096,
      layer_norm_epsilon: 0.25,
      activation_function: 'gelu_new',
      vocab_size: 512,
      tie_word_embeddings: true,
    });
  });

  test('bert', async () => {
    const types = { name: 'token_types.weight', shape: [3, 0] };
    expect(await config('bert', {}, [types])).toMatchObject({
      architectures: ['BertModel'],
      hidden_size: 64,
      layer_norm_eps: 0.25,
      hidden_act: 'gelu',
      type_vocab_size: 3,
    });
  });

  test('one that is not known is named, and no more', async () => {
    const checkpoint = await open('martian');
    expect(checkpoint.config).toEqual({ model_type: 'martian' });
    expect(checkpoint.tensors.length).toBe(1);
  });
});

describe('rotary positions', () => {
  const rope = async (change: Record<string, unknown>, tensors: TensorToWrite[] = []) => {
    const { rope_parameters, rope_freq_factors } = await config('llama', change, tensors);
    return { ...(rope_parameters as object), ...(rope_freq_factors ? { rope_freq_factors } : {}) };
  };

  test('linear, as it is written now and was before', async () => {
    const linear = { rope_theta: 10_000, rope_type: 'linear', factor: 4 };
    expect(await rope({ 'rope.scaling.type': 'linear', 'rope.scaling.factor': 4 })).toEqual(linear);
    expect(await rope({ 'rope.scale_linear': 4 })).toEqual(linear);
    expect(await rope({ 'rope.scaling.type': 'none', 'rope.scaling.factor': 4 })).toMatchObject({
      rope_type: 'default',
    });
  });

  test('yarn', async () => {
    const scaling = { type: 'yarn', factor: 4, original_context_length: 1024 };
    const keys = Object.entries(scaling).map(([key, of]) => [`rope.scaling.${key}`, of]);
    expect(await rope(Object.fromEntries(keys))).toEqual({
      rope_theta: 10_000,
      rope_type: 'yarn',
      factor: 4,
      original_max_position_embeddings: 1024,
      attention_factor: 1 + 0.1 * Math.log(4),
      beta_fast: 32,
      beta_slow: 1,
    });
  });

  test('frequencies divided by a tensor', async () => {
    const tensor = { name: 'rope_freqs.weight', shape: [3], data: floats(1, 2, 8) };
    expect(await rope({}, [tensor])).toMatchObject({ rope_freq_factors: [1, 2, 8] });
    const halves = { ...tensor, type: 1, data: new Uint8Array(6) };
    const error = await errorOf(() => rope({}, [halves]));
    expect([error.code, error.message]).toEqual([
      'BAD_FORMAT',
      expect.stringMatching(/rope_freqs\.weight' is F16/),
    ]);
  });

  test('long texts of phi 3, and part of a head', async () => {
    const tensors = ['short', 'long'].map((name, i) => ({
      name: `rope_factors_${name}.weight`,
      shape: [2],
      data: floats(1 + i, 2 + i),
    }));
    const change = { 'rope.scaling.original_context_length': 1024, 'rope.dimension_count': 12 };
    expect((await config('phi3', change, tensors)).rope_parameters).toEqual({
      rope_theta: 10_000,
      rope_type: 'longrope',
      short_factor: [1, 2],
      long_factor: [2, 3],
      original_max_position_embeddings: 1024,
      partial_rotary_factor: 0.75,
    });
  });
});

test('the vocabulary is what the embedding has, else the tokens, else what the file says', async () => {
  const without = async (change: Record<string, unknown>) => {
    const metadata = [
      ['general.architecture', 'llama'] as const,
      ...Object.entries({ ...COMMON, ...change }).map(([key, of]) => [
        key.startsWith('tokenizer.') ? key : `llama.${key}`,
        of,
      ]),
    ] as [string, unknown][];
    return (await openCheckpoint(writeGguf({ metadata }), { tokenizer: false })).config.vocab_size;
  };
  expect(await without({ 'tokenizer.ggml.tokens': ['a', 'b', 'c'], vocab_size: 7 })).toBe(3);
  expect(await without({ vocab_size: 7 })).toBe(7);
  expect((await config('llama', { 'tokenizer.ggml.tokens': ['a', 'b', 'c'] })).vocab_size).toBe(512);
});

test('the tokens that end a text, a turn and a message', async () => {
  const ids = { eos: 7, eot: 9, eom: 7 };
  const keys = Object.entries(ids).map(([name, id]) => [`tokenizer.ggml.${name}_token_id`, id]);
  expect((await open('llama', Object.fromEntries(keys))).endIds).toEqual([7, 9]);
  expect((await open('llama')).endIds).toEqual([]);
});

describe('metadata that is refused', () => {
  const cases: [string, Record<string, unknown>, string, RegExp][] = [
    ['no width', { embedding_length: undefined }, 'BAD_FORMAT', /'llama\.embedding_length' is missing/],
    [
      'a width as text',
      { embedding_length: '64' },
      'BAD_FORMAT',
      /'llama\.embedding_length' is "64"; it must be/,
    ],
    ['a negative width', { embedding_length: -64 }, 'BAD_FORMAT', /'llama\.embedding_length' is -64/],
    ['2^60 layers', { block_count: 2n ** 60n }, 'BAD_FORMAT', /'llama\.block_count' is 1152921504606846976/],
    ['experts', { expert_count: 8 }, 'UNSUPPORTED', /mixture of experts/],
    ['values of another length', { 'attention.value_length': 8 }, 'UNSUPPORTED', /values of another length/],
    ['heads that differ', { 'attention.head_count': [4, 2] }, 'UNSUPPORTED', /differs from layer to layer/],
    [
      'another rotary scaling',
      { 'rope.scaling.type': 'martian', 'rope.scaling.factor': 2 },
      'UNSUPPORTED',
      /rotary scaling 'martian'/,
    ],
    ['an end that is text', { 'tokenizer.ggml.eos_token_id': 'x' }, 'BAD_FORMAT', /eos_token_id' is "x"/],
  ];

  test.each(cases)('%s', async (_, change, code, message) => {
    const error = await errorOf(() => open('llama', change));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
    expect(error.message).toContain('model.gguf');
  });

  test('no architecture at all', async () => {
    const error = await errorOf(() => openCheckpoint(writeGguf({}), { tokenizer: false }));
    expect(error.message).toMatch(/model\.gguf: 'general\.architecture' is missing/);
  });

  test('heads that are given for each layer and are the same are one number', async () => {
    expect(await config('llama', { 'attention.head_count': [4, 4] })).toMatchObject({
      num_attention_heads: 4,
    });
  });
});

test.each([
  ['llama', 'model.layers.12.self_attn.q_proj.weight', 'blk.12.attn_q.weight'],
  ['llama', 'model.layers.0.post_attention_layernorm.weight', 'blk.0.ffn_norm.weight'],
  ['gemma2', 'model.layers.0.post_attention_layernorm.weight', 'blk.0.post_attention_norm.weight'],
  ['gemma3', 'model.layers.0.pre_feedforward_layernorm.weight', 'blk.0.ffn_norm.weight'],
  ['phi3', 'model.layers.0.mlp.gate_up_proj.weight', 'blk.0.ffn_up.weight'],
  ['qwen2', 'lm_head.weight', 'output.weight'],
  ['gpt2', 'transformer.h.3.attn.c_attn.bias', 'blk.3.attn_qkv.bias'],
  ['gpt2', 'transformer.wte.weight', 'token_embd.weight'],
  ['bert', 'bert.encoder.layer.1.attention.output.LayerNorm.bias', 'blk.1.attn_output_norm.bias'],
  ['bert', 'embeddings.LayerNorm.weight', 'token_embd_norm.weight'],
  ['llama', 'something.else', 'something.else'],
])('%s: %s is %s', async (architecture, canonical, name) => {
  expect((await open(architecture, { 'attention.sliding_window': 8 })).fileName!(canonical)).toBe(name);
});
