/** A .tmai file with a damaged byte: found when its layer is loaded, whatever the budget, and nobody else is disturbed. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { convert, verify } from '../../src/inference/convert';
import { openModel } from '../../src/inference/model';
import { openCheckpoint } from '../../src/model/checkpoint';
import { native } from '../../src/native';
import { expected, fixture, sameBits } from '../support/fixtures';
import { errorOf, temporaryFolder } from '../support/temporary';

const { inputIds } = expected('llama');

/** A copy of the model in which the last byte of a layer's tensors is another. */
async function damagedCopy(name: string, layer: number) {
  const path = join(temporaryFolder(), 'model.tmai');
  await convert(fixture(name), path);
  const { checksums } = await openCheckpoint(path, { tokenizer: false });
  const { name: damaged, offset, bytes } = checksums!.layers[layer]!;
  const file = openSync(path, 'r+');
  const byte = new Uint8Array(1);
  readSync(file, byte, 0, 1, offset + bytes - 1);
  byte[0]! ^= 1;
  writeSync(file, byte, 0, 1, offset + bytes - 1);
  closeSync(file);
  return { path, damaged, offset };
}

test.each([
  [1, 'smallest'],
  [2, 'smallest'],
  [3, 'unlimited'],
] as const)(
  'layer %i, budget %s: a pass ends with CORRUPT that names it and where',
  async (layer, budget) => {
    const { path, damaged, offset } = await damagedCopy('llama', layer);
    const model = await openModel(path);
    const sound = await openModel(fixture('llama'));
    const { smallestBudgetBytes } = model.plan({ positions: inputIds.length });
    const options = { budget: budget === 'smallest' ? smallestBudgetBytes : undefined };
    const session = model.session(options);
    const other = sound.session(options);
    const [error, logits] = await Promise.all([
      errorOf(() => session.forward(inputIds)),
      other.forward(inputIds),
    ]);
    expect(error).toMatchObject({ code: 'CORRUPT', details: { offset } });
    expect(error.message).toContain(`layer ${damaged}`);
    expect(error.message).toContain(path);
    expect(sameBits(logits.data, (await sound.session().forward(inputIds)).data)).toBe(true);
    // The session is as usable as its file is.
    expect(session.position).toBe(0);
    expect(await errorOf(() => session.forward(inputIds))).toMatchObject({ code: 'CORRUPT' });
    expect(await errorOf(() => verify(path))).toMatchObject({ code: 'CORRUPT' });
    model.close();
    sound.close();
    await Promise.all([session.closed, other.closed]);
    await expect.poll(() => native().liveBytes()).toBe(0);
  },
);

test('a loader refuses the damaged layer each time, and gives the others', async () => {
  const { path, damaged, offset } = await damagedCopy('llama', 2);
  const model = await openModel(path);
  const loader = model.loader();
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const error = await errorOf(() => loader.pin(damaged));
    expect(error).toMatchObject({ code: 'CORRUPT', details: { offset } });
    expect(error.message).toMatch(new RegExp(`^layer ${damaged}: .*convert the model again`));
    await expect.poll(() => loader.layers[2]!.state).toBe('error');
  }
  const others = model.layerNames.filter((name) => name !== damaged);
  await loader.preload(others);
  expect(loader.heldLayers).toEqual(others);
  model.close();
  await loader.closed;
  expect(native().liveBytes()).toBe(0);
});

test('a sound copy computes the same bits under the smallest budget', async () => {
  const path = join(temporaryFolder(), 'model.tmai');
  await convert(fixture('llama'), path);
  const [model, original] = [await openModel(path), await openModel(fixture('llama'))];
  const { smallestBudgetBytes } = model.plan({ positions: inputIds.length });
  const session = model.session({ budget: smallestBudgetBytes });
  const reference = await original.session().forward(inputIds);
  for (let pass = 0; pass < 2; pass += 1)
    expect(sameBits((await session.forward(inputIds)).data, reference.data)).toBe(true);
  model.close();
  original.close();
});
