/**
 * Gemma 3 for text: most blocks slide and turn by frequencies of their own; queries and keys are normalized head by head.
 * Formulas: transformers, `modeling_gemma3.py`.
 */
import type { ConfigReader } from '../../model/config';
import type { RotaryTable } from '../../native';
import type { Architecture } from './architecture';
import { gatedDecoder } from './gated-decoder';
import { gemmaTraits } from './gemma';
import { rotaryTable } from './rotary';
import { readSizes } from './sizes';
import { slides } from './sliding-window';

const [FULL, SLIDING] = [0, 1];

export const gemma3: Architecture = {
  name: 'gemma3_text',
  classes: ['Gemma3ForCausalLM'],
  build: (config, tensors) => {
    const window = config.count('sliding_window', 4096);
    const pattern = config.count('sliding_window_pattern', 6);
    const isSliding = slides(config, (index) => (index + 1) % pattern !== 0);
    return gatedDecoder(config, tensors, {
      ...gemmaTraits(config),
      queryKeyNorm: true,
      rotary: readRotaries(config),
      block: (index) => (isSliding(index) ? { window, rotary: SLIDING } : { rotary: FULL }),
    });
  },
};

/** The tables FULL and SLIDING. transformers 5 has parameters for each; before it only those of full attention scaled. */
function readRotaries(config: ConfigReader): RotaryTable[] {
  const { headDim } = readSizes(config);
  const parameters = config.section('rope_parameters');
  const table = (section: ConfigReader | undefined, theta: number) =>
    rotaryTable(config, section, headDim, section?.positive('rope_theta', theta) ?? theta);
  return [
    table(
      parameters?.section('full_attention') ?? config.section('rope_scaling'),
      config.positive('rope_theta', 1_000_000),
    ),
    table(parameters?.section('sliding_attention'), config.positive('rope_local_base_freq', 10_000)),
  ];
}
