import { describe, expect, test } from 'vitest';
import { type LayerBytes, layerBytesFigure } from '../../src/display';
import { expectGolden } from './golden';

const MIB = 2 ** 20;

function llama(blocks: number): LayerBytes[] {
  const dtype = 'BF16';
  const inner = Array.from({ length: blocks }, (_, index) => [
    { name: `layers.${index}.attention`, kind: 'attention', bytes: 0.6 * MIB, dtype },
    { name: `layers.${index}.feed_forward`, kind: 'feed_forward', bytes: 1.1 * MIB, dtype },
  ]);
  return [
    { name: 'embedding', kind: 'embedding', bytes: 2 * MIB, dtype },
    ...inner.flat(),
    { name: 'norm', kind: 'norm', bytes: 512, dtype },
    { name: 'output', kind: 'output', bytes: 2 * MIB, dtype },
  ];
}

describe('bytes per layer', () => {
  test('a model is drawn as its golden files show', async () => {
    await expectGolden('layers', layerBytesFigure(llama(6), 'manpage'));
  });

  test('bars keep the order of execution over the kinds', () => {
    const { spec } = layerBytesFigure(llama(2));
    const { xaxis } = spec.layout as { xaxis: { categoryarray: string[] } };
    expect(xaxis.categoryarray).toEqual(llama(2).map((layer) => layer.name));
  });

  test('many layers, none, and sizes that are no numbers can all be drawn', async () => {
    const nan = [{ name: 'a', kind: 'norm', bytes: Number.NaN, dtype: 'F32' }];
    for (const layers of [llama(100), [], nan]) {
      const figure = layerBytesFigure(layers);
      expect(JSON.stringify(figure.spec)).not.toContain('null');
      expect(await figure.toSVG()).not.toMatch(/NaN|undefined/);
    }
    expect(String(layerBytesFigure([]))).toBe('layers: no layers');
  });

  test('names cannot bring markup into the picture', async () => {
    const figure = layerBytesFigure([{ name: '<b>&', kind: '<i>', bytes: 1, dtype: '<u>' }], '<s>');
    expect(JSON.stringify(figure.spec)).not.toMatch(/<[bius]>/);
    expect(await figure.toSVG()).not.toMatch(/<[bius]>/);
  });
});
