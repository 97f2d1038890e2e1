/** Mistral: every block has the window, when there is one. Formulas: transformers, `modeling_mistral.py`. */
import type { Architecture } from './architecture';
import { gatedDecoder } from './gated-decoder';
import { slidingWindow } from './sliding-window';

export const mistral: Architecture = {
  name: 'mistral',
  classes: ['MistralForCausalLM'],
  build: (config, tensors) => {
    const window = slidingWindow(config);
    return gatedDecoder(config, tensors, {
      block: () => ({ window }),
      interleaved: config.flag('gguf_layout', false),
    });
  },
};
