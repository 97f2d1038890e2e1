/** Which pages are in memory: held against files whose cache was dropped, and against util-linux's fincore. */
import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import { native } from '../../src/native';
import { fixture } from '../support/fixtures';
import { copyOf } from '../support/temporary';
import { addTensors } from '../support/tensors';

const MIB = 2 ** 20;
/** More than Linux reads ahead of what is asked for. */
const READ_AHEAD = 12 * MIB;
const TMPFS = 0x01021994;

/** A model with three large tensors that no layer uses, on the disk. */
function largeModel(): string {
  const folder = copyOf('llama');
  const large = (size: number) => ({ dtype: 'U8', shape: [size], bytes: new Uint8Array(size).fill(7) });
  addTensors(folder, { a: large(2 * MIB), b: large(2 * MIB), c: large(2 * READ_AHEAD) });
  // Pages that are not written yet cannot be dropped.
  const file = openSync(join(folder, 'model.safetensors'), 'r');
  fsyncSync(file);
  closeSync(file);
  return folder;
}

const share = (pages: Uint8Array | undefined) => pages!.reduce((sum, page) => sum + page, 0) / pages!.length;

test('the pages of one tensor that was read, and what the system read ahead', async () => {
  const folder = largeModel();
  const model = await openModel(folder);
  model.dropCache();
  const before = await model.residency();
  if (statfsSync(folder).type === TMPFS) {
    // A file of tmpfs has no other place than memory.
    expect(share(before.pages('b'))).toBe(1);
    model.close();
    return;
  }
  expect(before.isTold).toBe(true);
  expect(before.tensors.map(({ residentPages }) => residentPages)).toEqual(before.tensors.map(() => 0));
  expect(before.pages('b')!.length * native().pageBytes()).toBeGreaterThanOrEqual(2 * MIB);

  await model.tensor('b').readBytes();
  const after = await model.residency();
  expect(share(after.pages('b'))).toBe(1);
  // The last page of one tensor is the first of the next.
  expect(share(after.pages('a')!.subarray(0, -1))).toBe(0);
  expect(share(after.pages('c')!.subarray(READ_AHEAD / native().pageBytes()))).toBe(0);
  expect(after.tensors.find(({ name }) => name === 'b')).toMatchObject({
    evicted: false,
    cached: false,
    viewed: false,
  });

  model.dropCache();
  const dropped = await model.residency();
  expect(dropped.tensors.find(({ name }) => name === 'b')).toMatchObject({ residentPages: 0, evicted: true });
  expect(dropped.looks).toBe(3);
  model.close();
});

test('the sum is what fincore says of the file', async () => {
  const folder = largeModel();
  const model = await openModel(folder);
  model.dropCache();
  await model.tensor('c').readBytes();
  const file = join(folder, 'model.safetensors');
  const { stdout, error } = spawnSync('fincore', ['--bytes', '--noheadings', '--output', 'PAGES', file], {
    encoding: 'utf8',
  });
  if (error) {
    // Without util-linux there is no other program to ask.
    model.close();
    return;
  }
  const residency = await model.residency();
  // Tensors leave out the header, which is a page or a few, and share the pages at their ends.
  const counted = residency.tensors.reduce((sum, { residentPages }) => sum + residentPages, 0);
  expect(Math.abs(counted - Number(stdout))).toBeLessThanOrEqual(residency.tensors.length);
  model.close();
});

test('what the cache holds, what views show and what sessions keep', async () => {
  const model = await openModel(fixture('llama'), { prefetch: false });
  await model.layers[0]!.load();
  const view = await model.tensor('lm_head.weight').view();
  const of = async (name: string) => (await model.residency()).tensors.find((tensor) => tensor.name === name);
  expect(await of('model.embed_tokens.weight')).toMatchObject({ cached: true, viewed: false });
  expect(await of('lm_head.weight')).toMatchObject({ cached: true, viewed: true });
  expect(await of('model.norm.weight')).toMatchObject({ cached: false, viewed: false });
  view.close();
  model.layers.at(-1)!.release();
  expect(await of('lm_head.weight')).toMatchObject({ cached: false, viewed: false });

  const session = model.session();
  await session.forward([1, 2, 3]);
  expect(await of('model.norm.weight')).toMatchObject({ cached: true });
  session.close();
  await session.closed;
  expect(await of('model.norm.weight')).toMatchObject({ cached: false });

  const residency = await model.residency();
  expect(String(residency.plot())).toMatch(
    /^Residency of llama: .*% of \d+ pages in the page cache, 128.0 KiB held by us, 0 viewed/,
  );
  expect(String(residency.plotPages())).toMatch(/^Pages of llama/);
  expect(await residency.plot().toSVG()).not.toMatch(/NaN|undefined/);
  expect(String(residency)).toMatch(/model.embed_tokens.weight +128.0 KiB .* cached/);
  model.close();
});
