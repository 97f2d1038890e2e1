/** Gemma 2: every other block slides, scores and logits are capped. Formulas: transformers, `modeling_gemma2.py`. */
import type { Architecture } from './architecture';
import { gatedDecoder } from './gated-decoder';
import { gemmaTraits } from './gemma';
import { slides } from './sliding-window';

export const gemma2: Architecture = {
  name: 'gemma2',
  classes: ['Gemma2ForCausalLM'],
  build: (config, tensors) => {
    const cap = 'attn_logit_softcapping';
    const window = config.count('sliding_window', 4096);
    const isSliding = slides(config, (index) => index % 2 === 0);
    return gatedDecoder(config, tensors, {
      ...gemmaTraits(config),
      attentionSoftcap: config.has(cap) ? config.positive(cap) : undefined,
      block: (index) => (isSliding(index) ? { window } : {}),
    });
  },
};
