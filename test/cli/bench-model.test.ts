/** The comparison of readers as a user meets it: a small run, of which the figures are there and consistent. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ModelMeasurement, ModelResult } from '../../src/cli/bench/model';
import { writeGgufSample } from '../../src/cli/bench/model-gguf';
import { modelReport } from '../../src/cli/bench/model-report';
import { openModel } from '../../src/inference/model';
import { SHAPES } from '../../src/model/sample/shapes';
import { temporaryFolder } from '../support/temporary';

const cli = join(__dirname, '../../dist/src/cli/main.js');

function bench(args: readonly string[], env: NodeJS.ProcessEnv) {
  const options = { encoding: 'utf8', timeout: 100_000, env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'bench', 'model', ...args], options);
  return { status, stdout, stderr };
}

test('one object: every format opened and read, without peers that are not here, and no sample left', () => {
  const folder = temporaryFolder();
  const args = ['--shape', 'smollm2-135m', '--repeat', '1', '--json'];
  const { status, stdout, stderr } = bench(args, { TMPDIR: folder, HYPERION_PYTHON: '/no/python' });
  expect(status, stderr).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
  const { repeat, peers, measurements }: ModelResult = JSON.parse(stdout);
  expect(repeat).toBe(1);
  expect(peers).toEqual(['safetensors', 'gguf'].map((name) => ({ name, version: null })));
  const open = ['open, first', 'open', 'resident by opening', 'JavaScript heap by opening'];
  open.push('read as bytes', 'read as bytes, new arrays');
  expect(measurements.map(({ format, measure }) => [format, measure])).toEqual([
    ...[...open, 'F16 as f32'].map((measure) => ['safetensors', measure]),
    ...[...open, 'Q8_0 as f32', 'Q4_K as f32'].map((measure) => ['gguf', measure]),
    ...[...open, 'F16 as f32'].map((measure) => ['tmai', measure]),
  ]);
  for (const { measure, value, peer, ratio } of measurements) {
    expect([peer, ratio]).toEqual([null, null]);
    if (!measure.endsWith('by opening')) expect(value.min, measure).toBeGreaterThan(0);
  }
}, 120_000);

const tiny = {
  ...SHAPES['smollm2-135m'],
  ...{ layers: 1, hidden: 256, heads: 4, kvHeads: 2, intermediate: 512, vocab: 300 },
};

test.each([
  ['mixture', ['Q8_0', 'F32', 'Q4_K']],
  ['F16', ['F16', 'F32']],
  ['Q8_0', ['Q8_0', 'F32']],
  ['Q4_0', ['Q4_0', 'F32']],
] as const)('the GGUF sample of %s is a model that opens and computes', async (type, dtypes) => {
  const path = join(temporaryFolder(), 'sample.gguf');
  await writeGgufSample(path, tiny, type);
  const model = await openModel(path);
  expect(model.tokenizer).not.toBeNull();
  expect([model.format, model.layers.length]).toEqual(['gguf', 5]);
  expect(new Set(model.tensors.map(({ dtype }) => dtype))).toEqual(new Set(dtypes));
  const { data } = await model.session().forward([1, 2, 3]);
  expect(data.every(Number.isFinite)).toBe(true);
  expect(new Set(data).size).toBeGreaterThan(tiny.vocab);
  model.close();
});

test('a GGUF sample that cannot be written, or is given up, leaves nothing', async () => {
  const folder = temporaryFolder();
  await expect(writeGgufSample(join(folder, 'none', 'sample.gguf'), tiny)).rejects.toMatchObject({
    code: 'IO',
  });
  const given = writeGgufSample(join(folder, 'sample.gguf'), tiny, 'F16', AbortSignal.abort());
  await expect(given).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(readdirSync(folder)).toEqual([]);
});

test('a number of runs that is none is refused', () => {
  expect(bench(['--repeat', '0'], {}).stderr).toMatch(/INVALID: repeat is 0/);
});

test('the report has limits, ratios, and the names of what is missing', () => {
  const spread = (median: number) => ({ median, min: median, max: median });
  const opening: ModelMeasurement = {
    ...{ format: 'safetensors', measure: 'open', unit: 'ms', value: spread(8), limit: 50 },
    ...{ peer: spread(2), ratio: 4 },
  };
  const text = modelReport({
    repeat: 1,
    peers: [
      { name: 'safetensors', version: '0.8.0' },
      { name: 'gguf', version: null },
    ],
    measurements: [opening],
  });
  expect(text).toMatch(/^safetensors +open +8\.00 ms .* < 50 ms +2\.00 ms .* 4\.00x$/m);
  expect(text).toContain("Python's gguf is not here, and is not compared with: pip install gguf numpy");
});
