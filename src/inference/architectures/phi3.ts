/** Phi-3: fused matrices, part of each head may turn. Formulas: transformers, `modeling_phi3.py`. */
import type { ConfigReader } from '../../model/config';
import type { Architecture } from './architecture';
import { gatedDecoder } from './gated-decoder';
import { originalContext, scalingType } from './rotary-scaling';
import { slidingWindow } from './sliding-window';

export const phi3: Architecture = {
  name: 'phi3',
  classes: ['Phi3ForCausalLM'],
  build: (config, tensors) => {
    const window = slidingWindow(config);
    return gatedDecoder(config, tensors, {
      fused: true,
      block: () => ({ window }),
      contextLength: contextLength(config),
    });
  },
};

/** With longrope the texts whose frequencies stay the same from the first token to the last. */
function contextLength(config: ConfigReader): number {
  const parameters = config.section('rope_parameters') ?? config.section('rope_scaling');
  const whole = config.count('max_position_embeddings');
  return scalingType(parameters) === 'longrope'
    ? Math.min(whole, originalContext(config, parameters))
    : whole;
}
