/** Qwen 2: biases on queries, keys and values alone. Formulas: transformers, `modeling_qwen2.py`. */
import type { Architecture } from './architecture';
import { gatedDecoder } from './gated-decoder';
import { qwenWindow } from './sliding-window';

export const qwen2: Architecture = {
  name: 'qwen2',
  classes: ['Qwen2ForCausalLM'],
  build: (config, tensors) =>
    gatedDecoder(config, tensors, { bias: { queryKeyValue: true }, block: qwenWindow(config) }),
};
