/**
 * How models trained on short texts turn positions of long ones: scalings of the rotary frequencies.
 * Formulas: transformers, `modeling_rope_utils.py`.
 */
import type { ConfigReader } from '../../model/config';

export interface ScaledFrequencies {
  readonly frequencies: readonly number[];
  /** multiplies cosines and sines */
  readonly scale: number;
}

type Scaling = (
  frequencies: readonly number[],
  parameters: ConfigReader,
  config: ConfigReader,
  theta: number,
) => ScaledFrequencies;

const SCALINGS: Readonly<Record<string, Scaling>> = { default: unscaled, linear, llama3, yarn, longrope };

/** Names that configurations had before. */
const OLD_NAMES: Readonly<Record<string, string>> = { su: 'longrope' };

/** @throws HyperionError `BAD_FORMAT`, or `UNSUPPORTED` for a scaling that is not known */
export function scaleFrequencies(
  config: ConfigReader,
  parameters: ConfigReader | undefined,
  frequencies: readonly number[],
  theta: number,
): ScaledFrequencies {
  if (!parameters) return unscaled(frequencies);
  const type = scalingType(parameters);
  if (Object.hasOwn(SCALINGS, type)) return SCALINGS[type]!(frequencies, parameters, config, theta);
  const known = Object.keys(SCALINGS).join(', ');
  throw config.unsupported(`the rotary scaling '${type}' is not supported; ${known} are`);
}

/** The name of the scaling that is asked for. */
export function scalingType(parameters: ConfigReader | undefined): string {
  const type = parameters?.text('rope_type', parameters.text('type', 'default')) ?? 'default';
  return OLD_NAMES[type] ?? type;
}

/** The tokens of a text that the model was first trained on; older configurations have them at the top level. */
export function originalContext(config: ConfigReader, parameters: ConfigReader | undefined): number {
  const field = 'original_max_position_embeddings';
  return parameters?.has(field) ? parameters.count(field) : config.count(field, contextOf(config));
}

function contextOf(config: ConfigReader): number {
  return config.count('max_position_embeddings');
}

function unscaled(frequencies: readonly number[]): ScaledFrequencies {
  return { frequencies, scale: 1 };
}

function linear(frequencies: readonly number[], parameters: ConfigReader): ScaledFrequencies {
  const factor = parameters.positive('factor');
  return unscaled(frequencies.map((frequency) => frequency / factor));
}

/** Long waves are slowed by `factor`, short ones kept, and those between are blended. */
function llama3(frequencies: readonly number[], parameters: ConfigReader): ScaledFrequencies {
  const factor = parameters.positive('factor');
  const low = parameters.positive('low_freq_factor');
  const high = parameters.positive('high_freq_factor');
  const context = parameters.positive('original_max_position_embeddings');
  if (high <= low) throw parameters.bad(`high_freq_factor ${high} must be above low_freq_factor ${low}`);
  return unscaled(
    frequencies.map((frequency) => {
      const turns = (context * frequency) / (2 * Math.PI);
      const kept = clamp((turns - low) / (high - low), 0, 1);
      return blend(frequency, factor, kept);
    }),
  );
}

/** The same idea with a blend over the number of the pair, and cosines and sines enlarged. */
function yarn(
  frequencies: readonly number[],
  parameters: ConfigReader,
  config: ConfigReader,
  theta: number,
): ScaledFrequencies {
  const original = originalContext(config, parameters);
  const factor = parameters.positive('factor', contextOf(config) / original);
  const pairs = frequencies.length;
  /** the pair that turns so many times over the original context */
  const pairOf = (turns: number) => (pairs * Math.log(original / (turns * 2 * Math.PI))) / Math.log(theta);
  const whole = parameters.flag('truncate', true);
  const first = pairOf(parameters.positive('beta_fast', 32));
  const last = pairOf(parameters.positive('beta_slow', 1));
  const low = Math.max(whole ? Math.floor(first) : first, 0);
  const high = Math.min(whole ? Math.ceil(last) : last, 2 * pairs - 1);
  const span = high === low ? 0.001 : high - low;
  return {
    frequencies: frequencies.map((frequency, i) =>
      blend(frequency, factor, 1 - clamp((i - low) / span, 0, 1)),
    ),
    scale: yarnScale(parameters, factor),
  };
}

function yarnScale(parameters: ConfigReader, factor: number): number {
  if (parameters.has('attention_factor')) return parameters.positive('attention_factor');
  const grown = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  const isSet = (field: string) => parameters.has(field) && parameters.number(field) !== 0;
  if (!isSet('mscale') || !isSet('mscale_all_dim')) return grown(1);
  return grown(parameters.positive('mscale')) / grown(parameters.positive('mscale_all_dim'));
}

/**
 * Phi-3's: a factor for each pair, of which there are two lists. The one for texts up to the original context is taken, and
 * `longropeContext` bounds the texts; the other would change what earlier tokens of a growing text had been.
 */
function longrope(
  frequencies: readonly number[],
  parameters: ConfigReader,
  config: ConfigReader,
): ScaledFrequencies {
  const original = originalContext(config, parameters);
  const divisors = parameters.numbers('short_factor') ?? [];
  if (divisors.length !== frequencies.length)
    throw parameters.bad(
      `short_factor has ${divisors.length} numbers; the heads turn ${frequencies.length} pairs`,
    );
  const factor = parameters.positive('factor', contextOf(config) / original);
  const grown = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
  return {
    frequencies: frequencies.map((frequency, i) => frequency / divisors[i]!),
    scale: parameters.positive('attention_factor', grown),
  };
}

function blend(frequency: number, factor: number, kept: number): number {
  return (1 - kept) * (frequency / factor) + kept * frequency;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
