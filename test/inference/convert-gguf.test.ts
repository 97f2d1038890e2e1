/** Models in GGUF files, one or several, converted to .tmai and back. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { convert } from '../../src/inference/convert';
import { openModel } from '../../src/inference/model';
import { native } from '../../src/native';
import { computed, contents, facts } from '../support/conversions';
import { fixture, sameBits } from '../support/fixtures';
import { splitGguf } from '../support/gguf';
import { errorOf, temporaryFolder } from '../support/temporary';

const TYPES = ['f16', 'q8_0', 'q4_0', 'q4_k', 'q6_k'];
const ofType = (type: string) => fixture(`../gguf/llama-${type}.gguf`);

afterEach(() => {
  expect(native().liveBytes()).toBe(0);
});

describe.each(TYPES)('GGUF with %s', (type) => {
  const path = ofType(type);

  test('there and back: the same file to the byte', async () => {
    const folder = temporaryFolder();
    const [file, back] = [join(folder, 'model.tmai'), join(folder, 'back.gguf')];
    await convert(path, file);
    expect(await contents(file)).toEqual(await contents(path));
    expect(await convert(file, back)).toMatchObject({ path: back, format: 'gguf' });
    expect(readFileSync(back).equals(readFileSync(path))).toBe(true);
    await convert(file, join(folder, 'again.tmai'));
    expect(readFileSync(join(folder, 'again.tmai')).equals(readFileSync(file))).toBe(true);
  });

  test('a folder cannot hold it', async () => {
    const folder = temporaryFolder();
    await convert(path, join(folder, 'a.tmai'));
    for (const input of [path, join(folder, 'a.tmai')]) {
      const error = await errorOf(() => convert(input, join(folder, 'out')));
      expect([error.code, error.message]).toEqual([
        'UNSUPPORTED',
        expect.stringMatching(/convert it to \.gguf/),
      ]);
    }
    expect(readdirSync(folder)).toEqual(['a.tmai']);
  });
});

test.each(TYPES)('a .tmai from GGUF with %s answers as that does, and text too', async (type) => {
  const path = ofType(type);
  const file = join(temporaryFolder(), `llama-${type}.tmai`);
  await convert(path, file);
  const [a, b] = [await openModel(path), await openModel(file)];
  expect(facts(b)).toEqual(facts(a));
  expect(b.tokenizer!.encode('Hello world')).toEqual(a.tokenizer!.encode('Hello world'));
  a.close();
  b.close();
  const ids = [1, 2, 3, 4, 5];
  expect(sameBits(await computed(file, ids), await computed(path, ids))).toBe(true);
});

describe('GGUF in three parts', () => {
  const split = () => splitGguf(ofType('q4_k'), 3);

  test.each([0, 2])('named by part %i: all parts in one file, which answers as they do', async (part) => {
    const path = (await split())[part]!;
    const file = join(temporaryFolder(), 'model.tmai');
    await convert(path, file);
    expect(await contents(file)).toEqual(await contents(path));
    const [a, b] = [await openModel(path), await openModel(file)];
    expect([a.files.length, b.files.length]).toEqual([3, 1]);
    expect({ ...facts(b), name: a.name }).toEqual(facts(a));
    expect(b.tokenizer!.encode('Hello world')).toEqual(a.tokenizer!.encode('Hello world'));
    a.close();
    b.close();
    const ids = [1, 2, 3, 4, 5];
    expect(sameBits(await computed(file, ids), await computed(path, ids))).toBe(true);
    expect(sameBits(await computed(file, ids), await computed(ofType('q4_k'), ids))).toBe(true);
  });

  test('what came from parts stays .tmai: no parts are made of it, nor one file', async () => {
    const folder = temporaryFolder();
    const [first, second] = [join(folder, 'a.tmai'), join(folder, 'b.tmai')];
    await convert((await split())[0]!, first);
    await convert(first, second);
    expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
    const error = await errorOf(() => convert(second, join(folder, 'back.gguf')));
    expect([error.code, error.message]).toEqual([
      'UNSUPPORTED',
      expect.stringMatching(/came from a GGUF model in parts/),
    ]);
    const other = await errorOf(() => convert(second, join(folder, 'back')));
    expect([other.code, other.message]).toEqual([
      'UNSUPPORTED',
      expect.stringMatching(/; use the parts of the GGUF model, or convert the original model to a folder$/),
    ]);
    expect(readdirSync(folder).sort()).toEqual(['a.tmai', 'b.tmai']);
  });
});

test('a model that did not come from GGUF is not made one', async () => {
  const output = join(temporaryFolder(), 'a.gguf');
  const error = await errorOf(() => convert(fixture('llama'), output));
  expect([error.code, error.message]).toEqual([
    'UNSUPPORTED',
    expect.stringMatching(/convert it to a folder/),
  ]);
});
