/** The names that GGUF files give to tensors, for those that Hugging Face's models have. Source: gguf-py, tensor_mapping.py. */

/** Where a layer's number stands in the names of Hugging Face, by family. */
const LAYER = /^(?:model\.layers|h|encoder\.layer)\.(\d+)\.(.+)$/;
/** Some checkpoints have the whole model within another. */
const PREFIX = /^(?:transformer|bert)\./;

/** Families agree on these, but for the two below. */
const DECODER: Names = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.qkv_proj': 'attn_qkv',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.gate_up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

/** Gemma 2 and 3 have a norm on each side of attention and of feed-forward. */
const FOUR_NORMS: Names = {
  ...DECODER,
  post_attention_layernorm: 'post_attention_norm',
  pre_feedforward_layernorm: 'ffn_norm',
  post_feedforward_layernorm: 'post_ffw_norm',
};

const GPT2: Names = {
  wte: 'token_embd',
  wpe: 'position_embd',
  ln_f: 'output_norm',
  lm_head: 'output',
  ln_1: 'attn_norm',
  'attn.c_attn': 'attn_qkv',
  'attn.c_proj': 'attn_output',
  ln_2: 'ffn_norm',
  'mlp.c_fc': 'ffn_up',
  'mlp.c_proj': 'ffn_down',
};

const BERT: Names = {
  'embeddings.word_embeddings': 'token_embd',
  'embeddings.position_embeddings': 'position_embd',
  'embeddings.token_type_embeddings': 'token_types',
  'embeddings.LayerNorm': 'token_embd_norm',
  'attention.self.query': 'attn_q',
  'attention.self.key': 'attn_k',
  'attention.self.value': 'attn_v',
  'attention.output.dense': 'attn_output',
  'attention.output.LayerNorm': 'attn_output_norm',
  'intermediate.dense': 'ffn_up',
  'output.dense': 'ffn_down',
  'output.LayerNorm': 'layer_output_norm',
};

type Names = Readonly<Record<string, string>>;

const BY_ARCHITECTURE: Readonly<Record<string, Names>> = {
  gemma2: FOUR_NORMS,
  gemma3: FOUR_NORMS,
  gpt2: GPT2,
  bert: BERT,
};

/**
 * The file's name of a tensor; a name that the family does not have stays as it is.
 *
 * @param architecture as the file names it, `llama`
 * @param canonical as Hugging Face's models name it, `model.layers.0.self_attn.q_proj.weight`
 */
export function ggufName(architecture: string, canonical: string): string {
  const names = BY_ARCHITECTURE[architecture] ?? DECODER;
  const [, base, kind] = /^(.*)\.(weight|bias)$/.exec(canonical.replace(PREFIX, '')) ?? [];
  if (base === undefined) return canonical;
  const [, layer, rest] = LAYER.exec(base) ?? [];
  const name = names[rest ?? base];
  if (name === undefined) return canonical;
  return layer === undefined ? `${name}.${kind}` : `blk.${layer}.${name}.${kind}`;
}
