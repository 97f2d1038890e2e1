/** What Gemma 2 and 3 share: norms before and after each part, a gated GELU, scaled embeddings and queries. */
import type { ConfigReader } from '../../model/config';
import type { DecoderTraits } from './gated-decoder';
import { readActivation } from './sizes';

export function gemmaTraits(config: ConfigReader): DecoderTraits {
  const cap = (field: string) => (config.has(field) ? config.positive(field) : undefined);
  const bias = config.flag('attention_bias', false);
  if (config.flag('use_bidirectional_attention', false))
    throw config.unsupported('use_bidirectional_attention is set; attention to earlier tokens is supported');
  return {
    // Early configurations have a wrong `hidden_act` beside it.
    activation: readActivation(config, 'hidden_activation', 'gelu_pytorch_tanh'),
    bias: { queryKeyValue: bias, attentionOutput: bias },
    norms: {
      afterAttention: 'post_attention_layernorm',
      beforeFeedForward: 'pre_feedforward_layernorm',
      afterFeedForward: 'post_feedforward_layernorm',
    },
    // GGUF files have the 1 added to the weights.
    normOffset: config.flag('gguf_layout', false) ? 0 : 1,
    embeddingFactor: Math.sqrt(config.count('hidden_size')),
    attentionScale: config.positive('query_pre_attn_scalar', 256) ** -0.5,
    logitsSoftcap: cap('final_logit_softcapping'),
    tied: true,
  };
}
