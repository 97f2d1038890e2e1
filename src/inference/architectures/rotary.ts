/**
 * Rotary position embedding as configurations describe it. transformers 5 writes everything into `rope_parameters`; models
 * published earlier have `rope_theta` and `rope_scaling` at the top level. Scalings are in `rotary-scaling`.
 */
import type { ConfigReader } from '../../model/config';
import type { RotaryTable } from '../../native';
import { scaleFrequencies } from './rotary-scaling';

/** transformers' default for `rope_theta`. */
const DEFAULT_THETA = 10_000;

/**
 * The table for heads of `headDim` numbers. A `partial_rotary_factor` below 1 turns only the first of them.
 *
 * @throws HyperionError `BAD_FORMAT`, or `UNSUPPORTED` for a scaling that is not known
 */
export function readRotary(config: ConfigReader, headDim: number): RotaryTable {
  const parameters = config.section('rope_parameters') ?? config.section('rope_scaling');
  const theta = parameters?.has('rope_theta')
    ? parameters.positive('rope_theta')
    : config.positive('rope_theta', DEFAULT_THETA);
  return rotaryTable(config, parameters, headDim, theta);
}

/** The table that `parameters` describe, with `theta` for frequencies that are not scaled. */
export function rotaryTable(
  config: ConfigReader,
  parameters: ConfigReader | undefined,
  headDim: number,
  theta: number,
): RotaryTable {
  const share = (parameters ?? config).positive(
    'partial_rotary_factor',
    config.positive('partial_rotary_factor', 1),
  );
  const turned = Math.trunc(headDim * share);
  if (share > 1) throw config.bad(`partial_rotary_factor ${share} is above 1`);
  if (turned % 2 !== 0 || turned === 0)
    throw config.bad(
      `head_dim ${headDim} must be even: rotary embedding turns pairs, and of it ${turned} numbers`,
    );
  const plain = Array.from({ length: turned / 2 }, (_, i) => theta ** ((-2 * i) / turned));
  const scaled = scaleFrequencies(config, parameters, plain, theta);
  const factors = config.numbers('rope_freq_factors') ?? [];
  if (factors.length > 0 && factors.length !== plain.length)
    throw config.bad(`rope_freq_factors has ${factors.length} numbers; the heads turn ${plain.length} pairs`);
  const divided = scaled.frequencies.map((frequency, i) => frequency / (factors[i] ?? 1));
  return checkRotary(config, { inverseFrequencies: Float32Array.from(divided), scale: scaled.scale });
}

/** Settings that are each a number can together go beyond what float32 holds. */
function checkRotary(config: ConfigReader, table: RotaryTable): RotaryTable {
  const stray = [...table.inverseFrequencies, table.scale].find((value) => !Number.isFinite(value));
  if (stray === undefined) return table;
  throw config.bad(`its rotary settings give a frequency or a scale of ${stray}; both must be finite`);
}
