/** Rotary position embedding: the frequencies by which pairs of a head's numbers turn, with the scalings in use. */
import type { ConfigReader } from '../../model/config';
import type { NativeGraph } from '../../native';

/** transformers' default for `rope_theta` of the families that are registered. */
const DEFAULT_THETA = 10_000;

/**
 * Frequencies for heads of `headDim` numbers, headDim / 2 of them.
 *
 * transformers 5 writes everything into `rope_parameters`; models published earlier have `rope_theta` and
 * `rope_scaling` at the top level. Formulas: transformers, `modeling_rope_utils.py`.
 *
 * @throws HyperionError `UNSUPPORTED` for a scaling other than default, linear and llama3; `BAD_FORMAT`
 */
export function readRotary(config: ConfigReader, headDim: number): NativeGraph['rotary'] {
  const parameters = config.section('rope_parameters') ?? config.section('rope_scaling');
  const theta = parameters?.has('rope_theta')
    ? parameters.positive('rope_theta')
    : config.positive('rope_theta', DEFAULT_THETA);
  const share = (parameters ?? config).positive(
    'partial_rotary_factor',
    config.positive('partial_rotary_factor', 1),
  );
  if (share !== 1)
    throw config.unsupported(`a partial_rotary_factor of ${share} is not supported; only 1 is`);
  const plain = Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));
  const scaling = scalingOf(config, parameters);
  return checkRotary(config, { inverseFrequencies: Float32Array.from(plain, scaling), scale: 1 });
}

/** Settings that are each a number can together go beyond what float32 holds. */
function checkRotary(config: ConfigReader, table: NativeGraph['rotary']): NativeGraph['rotary'] {
  const stray = [...table.inverseFrequencies, table.scale].find((value) => !Number.isFinite(value));
  if (stray === undefined) return table;
  throw config.bad(`its rotary settings give a frequency or a scale of ${stray}; both must be finite`);
}

function scalingOf(
  config: ConfigReader,
  parameters: ConfigReader | undefined,
): (frequency: number) => number {
  const type = parameters?.text('rope_type', parameters.text('type', 'default')) ?? 'default';
  if (!parameters || type === 'default') return (frequency) => frequency;
  if (type === 'linear') {
    const factor = parameters.positive('factor');
    return (frequency) => frequency / factor;
  }
  if (type === 'llama3') return llama3(parameters);
  throw config.unsupported(`the rotary scaling '${type}' is not supported; default, linear and llama3 are`);
}

/** Long waves are slowed by `factor`, short ones kept, and those between are blended. */
function llama3(parameters: ConfigReader): (frequency: number) => number {
  const factor = parameters.positive('factor');
  const low = parameters.positive('low_freq_factor');
  const high = parameters.positive('high_freq_factor');
  const context = parameters.positive('original_max_position_embeddings');
  if (high <= low) throw parameters.bad(`high_freq_factor ${high} must be above low_freq_factor ${low}`);
  return (frequency) => {
    const turns = (context * frequency) / (2 * Math.PI);
    const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return (1 - kept) * (frequency / factor) + kept * frequency;
  };
}
