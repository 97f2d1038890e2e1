/** Parts of a graph that follow from a configuration alone: rotary frequencies, windows, biases. */
import { describe, expect, test } from 'vitest';
import { readRotary } from '../../src/inference/architectures/rotary';
import { qwenWindow, slides, slidingWindow } from '../../src/inference/architectures/sliding-window';
import { ConfigReader } from '../../src/model/config';

const reader = (fields: object) => new ConfigReader('config.json', fields as Record<string, unknown>);

describe('rotary frequencies', () => {
  test('plain: theta^(-2i/d)', () => {
    const { inverseFrequencies, scale } = readRotary(reader({ rope_theta: 10_000 }), 8);
    expect([...inverseFrequencies]).toEqual([1, 0.1, 0.01, 0.001].map(Math.fround));
    expect(scale).toBe(1);
  });

  test('theta is found in either place, and defaults to 10000', () => {
    const of = (fields: object) => readRotary(reader(fields), 4).inverseFrequencies[1];
    expect(of({ rope_theta: 1e6 })).toBe(Math.fround(1e-3));
    expect(of({ rope_parameters: { rope_theta: 1e6, rope_type: 'default' } })).toBe(Math.fround(1e-3));
    expect(of({})).toBe(Math.fround(1e-2));
  });

  test('linear scaling divides by the factor, under both spellings of its type', () => {
    for (const scaling of [
      { type: 'linear', factor: 4 },
      { rope_type: 'linear', factor: 4 },
    ]) {
      const { inverseFrequencies } = readRotary(reader({ rope_theta: 10_000, rope_scaling: scaling }), 4);
      expect([...inverseFrequencies]).toEqual([0.25, 0.0025].map(Math.fround));
    }
  });

  test('llama3: short waves are kept, long ones divided by the factor, those between blended', () => {
    const rope_scaling = {
      rope_type: 'llama3',
      factor: 32,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    };
    const plain = readRotary(reader({ rope_theta: 500_000 }), 64).inverseFrequencies;
    const scaled = readRotary(reader({ rope_theta: 500_000, rope_scaling }), 64).inverseFrequencies;
    for (const [i, frequency] of plain.entries()) {
      const wavelength = (2 * Math.PI) / frequency;
      if (wavelength < 8192 / 4) expect(scaled[i]).toBe(frequency);
      else if (wavelength > 8192) expect(scaled[i]).toBeCloseTo(frequency / 32, 12);
      else {
        expect(scaled[i]).toBeLessThan(frequency);
        expect(scaled[i]).toBeGreaterThan(frequency / 32);
      }
    }
  });
});

describe('windows', () => {
  test('a window is what sliding_window says, and none where it is absent or null', () => {
    expect(slidingWindow(reader({ sliding_window: 8 }))).toBe(8);
    expect(slidingWindow(reader({ sliding_window: null }))).toBeUndefined();
    expect(slidingWindow(reader({}))).toBeUndefined();
  });

  test('qwen: only when switched on, from max_window_layers on, or as layer_types say', () => {
    const config = { sliding_window: 8, use_sliding_window: true, max_window_layers: 2 };
    const windows = (fields: object) => [0, 1, 2, 3].map((layer) => qwenWindow(reader(fields))(layer).window);
    expect(windows(config)).toEqual([undefined, undefined, 8, 8]);
    expect(windows({ ...config, use_sliding_window: false })).toEqual(Array(4).fill(undefined));
    const layer_types = ['sliding_attention', 'full_attention', 'full_attention', 'sliding_attention'];
    expect(windows({ ...config, layer_types })).toEqual([8, undefined, undefined, 8]);
  });

  test('layer_types overrule the rule of the family', () => {
    const rule = (index: number) => index % 2 === 0;
    expect([0, 1].map(slides(reader({}), rule))).toEqual([true, false]);
    const layer_types = ['full_attention', 'sliding_attention'];
    expect([0, 1].map(slides(reader({ layer_types }), rule))).toEqual([false, true]);
  });
});
