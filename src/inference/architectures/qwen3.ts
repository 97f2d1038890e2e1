/** Qwen 3: queries and keys are normalized head by head. Formulas: transformers, `modeling_qwen3.py`. */
import type { Architecture } from './architecture';
import { gatedDecoder } from './gated-decoder';
import { qwenWindow } from './sliding-window';

export const qwen3: Architecture = {
  name: 'qwen3',
  classes: ['Qwen3ForCausalLM'],
  build: (config, tensors) => {
    const bias = config.flag('attention_bias', false);
    return gatedDecoder(config, tensors, {
      bias: { queryKeyValue: bias, attentionOutput: bias },
      queryKeyNorm: true,
      block: qwenWindow(config),
    });
  },
};
