/**
 * The configuration of a GGUF model in the words of Hugging Face's config.json, which the architectures read. What GGUF
 * does not say follows from the tensors, or from how llama.cpp (llama-model.cpp) computes the family.
 */
import type { JsonObject } from '../json';
import type { GgufHeader } from './header';
import { readRope } from './rope';
import { findTensor, type Source } from './source';

type Translation = (source: Source) => JsonObject | Promise<JsonObject>;

const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  llama,
  qwen2,
  qwen3,
  gemma2,
  gemma3,
  phi3,
  gpt2,
  bert,
};

/**
 * Translates a file's metadata. An architecture that is not known gives a configuration that names it and no more, so
 * that the file can still be listed.
 *
 * @throws HyperionError `BAD_FORMAT` naming the key, `UNSUPPORTED` for models of a known family that are not computed
 */
export async function ggufConfig(header: GgufHeader): Promise<JsonObject> {
  const { metadata } = header;
  const architecture = metadata.text('general.architecture');
  const translate = Object.hasOwn(TRANSLATIONS, architecture) ? TRANSLATIONS[architecture]! : undefined;
  if (!translate) return { model_type: architecture };
  const key = (name: string) => `${architecture}.${name}`;
  if (metadata.count(key('expert_count'), 0) > 0)
    throw metadata.unsupported('it is a mixture of experts; models of dense layers are computed');
  const width = metadata.count(key('embedding_length'));
  const heads = metadata.countOfLayers(key('attention.head_count'));
  const headDim = metadata.count(key('attention.key_length'), heads > 0 ? Math.floor(width / heads) : 0);
  if (metadata.count(key('attention.value_length'), headDim) !== headDim)
    throw metadata.unsupported(
      'its heads have values of another length than keys; only equal ones are computed',
    );
  const layers = metadata.count(key('block_count'));
  return { gguf_layout: true, ...(await translate({ ...header, key, headDim, layers, heads, width })) };
}

/** What the families with rotary positions and RMSNorm share. */
async function decoder(source: Source): Promise<JsonObject> {
  const { metadata, key, headDim, heads } = source;
  return {
    hidden_size: source.width,
    num_hidden_layers: source.layers,
    num_attention_heads: heads,
    num_key_value_heads: metadata.countOfLayers(key('attention.head_count_kv'), heads),
    head_dim: headDim,
    intermediate_size: metadata.countOfLayers(key('feed_forward_length')),
    max_position_embeddings: metadata.count(key('context_length')),
    rms_norm_eps: metadata.number(key('attention.layer_norm_rms_epsilon')),
    vocab_size: vocabularySize(source),
    tie_word_embeddings: !findTensor(source, 'output.weight'),
    ...(await readRope(source)),
  };
}

/** Mistral's models name themselves llama; those with a window are told by it. */
async function llama(source: Source): Promise<JsonObject> {
  const window = optional(source, 'attention.sliding_window');
  return {
    architectures: [window ? 'MistralForCausalLM' : 'LlamaForCausalLM'],
    ...(await decoder(source)),
    attention_bias: findTensor(source, 'blk.0.attn_q.bias') !== undefined,
    mlp_bias: findTensor(source, 'blk.0.ffn_gate.bias') !== undefined,
    ...(window ? { sliding_window: window } : {}),
  };
}

async function qwen2(source: Source): Promise<JsonObject> {
  return { architectures: ['Qwen2ForCausalLM'], ...(await decoder(source)) };
}

async function qwen3(source: Source): Promise<JsonObject> {
  return { architectures: ['Qwen3ForCausalLM'], ...(await decoder(source)) };
}

async function phi3(source: Source): Promise<JsonObject> {
  const window = optional(source, 'attention.sliding_window');
  return {
    architectures: ['Phi3ForCausalLM'],
    ...(await decoder(source)),
    ...(window ? { sliding_window: window } : {}),
  };
}

/** Every second layer sees a window, the first one too. */
async function gemma2(source: Source): Promise<JsonObject> {
  const { metadata, key } = source;
  return {
    architectures: ['Gemma2ForCausalLM'],
    ...(await decoder(source)),
    ...gemma(source, 46),
    sliding_window: metadata.count(key('attention.sliding_window'), 4096),
    layer_types: layerTypes(source, 2),
    attn_logit_softcapping: metadata.number(key('attn_logit_softcapping'), 50),
    final_logit_softcapping: metadata.number(key('final_logit_softcapping'), 30),
  };
}

/** Every sixth layer sees everything; the others see a window, and have rotary frequencies of their own. */
async function gemma3(source: Source): Promise<JsonObject> {
  const { metadata, key } = source;
  const { rope_parameters, ...config } = await decoder(source);
  const localTheta = metadata.number(key('rope.freq_base_swa'), 10_000);
  return {
    architectures: ['Gemma3ForCausalLM'],
    ...config,
    ...gemma(source, 62),
    sliding_window: metadata.count(key('attention.sliding_window')),
    layer_types: layerTypes(source, 6),
    rope_parameters: {
      full_attention: rope_parameters,
      sliding_attention: { rope_type: 'default', rope_theta: localTheta },
    },
    final_logit_softcapping: metadata.has(key('final_logit_softcapping'))
      ? metadata.number(key('final_logit_softcapping'))
      : null,
  };
}

/** @param largest the number of layers of the family's 27B model, which alone scales queries by width and not by head */
function gemma({ layers, width, heads, headDim }: Source, largest: number): JsonObject {
  return {
    hidden_activation: 'gelu_pytorch_tanh',
    query_pre_attn_scalar: layers === largest ? width / heads : headDim,
  };
}

/** The file may say of each layer whether it sees a window, or which of so many sees everything. */
function layerTypes({ metadata, key, layers }: Source, family: number): string[] {
  const pattern = key('attention.sliding_window_pattern');
  const listed = metadata.hasList(pattern) ? metadata.numbers(pattern) : undefined;
  const every = listed ? family : metadata.count(pattern, family);
  const isSliding = (layer: number) => (listed ? listed[layer] === 1 : (layer + 1) % every !== 0);
  const type = (layer: number) => (isSliding(layer) ? 'sliding_attention' : 'full_attention');
  return Array.from({ length: Math.min(layers, MOST_LAYERS) }, (_, layer) => type(layer));
}

/** More than that many have no tensors; the architecture will say so. */
const MOST_LAYERS = 65_536;

function gpt2(source: Source): JsonObject {
  const { metadata, key } = source;
  return {
    architectures: ['GPT2LMHeadModel'],
    n_embd: source.width,
    n_layer: source.layers,
    n_head: source.heads,
    n_inner: metadata.countOfLayers(key('feed_forward_length'), 4 * source.width),
    n_positions: metadata.count(key('context_length')),
    layer_norm_epsilon: metadata.number(key('attention.layer_norm_epsilon')),
    activation_function: 'gelu_new',
    vocab_size: vocabularySize(source),
    tie_word_embeddings: !findTensor(source, 'output.weight'),
  };
}

function bert(source: Source): JsonObject {
  const { metadata, key } = source;
  return {
    architectures: ['BertModel'],
    hidden_size: source.width,
    num_hidden_layers: source.layers,
    num_attention_heads: source.heads,
    intermediate_size: metadata.countOfLayers(key('feed_forward_length')),
    max_position_embeddings: metadata.count(key('context_length')),
    layer_norm_eps: metadata.number(key('attention.layer_norm_epsilon')),
    hidden_act: 'gelu',
    vocab_size: vocabularySize(source),
    type_vocab_size: findTensor(source, 'token_types.weight')?.shape[0] ?? 2,
  };
}

/** Rows of the embedding, which may be more than there are tokens. */
function vocabularySize(source: Source): number {
  const rows = findTensor(source, 'token_embd.weight')?.shape[0];
  const tokens = source.metadata.listLength('tokenizer.ggml.tokens');
  return rows ?? tokens ?? source.metadata.count(source.key('vocab_size'));
}

/** A count that 0 or absence switches off. */
function optional({ metadata, key }: Source, name: string): number | undefined {
  return metadata.count(key(name), 0) || undefined;
}
