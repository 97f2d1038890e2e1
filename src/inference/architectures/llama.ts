/** Llama: biases where the configuration asks for them. Formulas: transformers, `modeling_llama.py`. */
import type { Architecture } from './architecture';
import { gatedDecoder } from './gated-decoder';

export const llama: Architecture = {
  name: 'llama',
  classes: ['LlamaForCausalLM'],
  build: (config, tensors) => {
    const attention = config.flag('attention_bias', false);
    return gatedDecoder(config, tensors, {
      bias: {
        queryKeyValue: attention,
        attentionOutput: attention,
        feedForward: config.flag('mlp_bias', false),
      },
      interleaved: config.flag('gguf_layout', false),
    });
  },
};
