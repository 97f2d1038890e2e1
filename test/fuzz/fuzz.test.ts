/** A short run of every reader, and faults that were planted to be found. `npm run fuzz` makes the long runs. */

import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { HyperionError } from '../../src/errors';
import { Dice } from './dice';
import { encode, mutateFields } from './fields';
import { type Failure, fuzz } from './fuzz';
import { READERS } from './readers';
import { PLANTED } from './readers/planted';
import type * as Supervise from './supervise';
import { makeRoot, Workspace } from './workspace';

const INPUTS = 1000;

function workspaceOf(reader: (typeof READERS)[number]): Workspace {
  const root = makeRoot();
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return Workspace.create(reader, root);
}

describe.each(READERS)('$name', (reader) => {
  test('opens the files that inputs are made from', async () => {
    const workspace = workspaceOf(reader);
    for (const input of workspace.valid)
      await workspace.open(input).catch((error: HyperionError) => expect(error.code).toBe('UNSUPPORTED'));
  });

  test('refuses mutated files in a sentence, or opens them', async () => {
    const failures: Failure[] = [];
    const onFailure = (failure: Failure) => failures.push(failure);
    await fuzz(workspaceOf(reader), { inputs: INPUTS, seed: 1, coverage: null, onFailure });
    expect(failures).toEqual([]);
  });

  test('its fields are all of a file, mutated or not', () => {
    const dice = new Dice(2);
    for (const { bytes } of workspaceOf(reader).valid) {
      let mutated = bytes;
      for (let i = 0; i < 50; i += 1) {
        expect(Buffer.compare(encode(reader.layout(mutated)), mutated)).toBe(0);
        mutated = mutateFields(reader.layout(mutated), dice);
      }
    }
  });
});

/** Compiled, because its processes run without a test runner. */
const { openAlone, supervise }: typeof Supervise = createRequire(__filename)(
  join(__dirname, '../../dist/test/fuzz/supervise.js'),
);

const SEEN: Readonly<Record<string, RegExp>> = {
  hang: /^stood still for 5000 ms$/,
  slowness: /^took 1\d{3} ms$/,
  allocation: /^not a HyperionError: RangeError: Array buffer allocation failed/,
  exit: /^died with 3/,
  typeError: /^not a HyperionError: TypeError: Cannot read properties of undefined/,
  wrongCode: /^the code INVALID: this is no way/,
  chatter: /^a message of 1000000 characters: BAD_FORMAT xxx/,
};

describe.runIf(process.platform === 'linux')('a planted fault', () => {
  const planted = (name: string) => PLANTED.find((reader) => reader.name === name)!;

  test.concurrent.each(Object.entries(SEEN))('of the kind %s is seen', async (name, problem) => {
    const bytes = Buffer.from('Not as it was');
    expect(await openAlone(planted(name), { seed: 0, bytes })).toMatch(problem);
    expect(await openAlone(planted(name), { seed: 0, bytes: Buffer.from('As it was') })).toBeUndefined();
  });

  test('is reported once, with the smallest input that shows it', async () => {
    const { found, done } = await supervise(planted('typeError'), { inputs: 400, seed: 3 });
    expect(done).toBe(400);
    expect(found.map(({ bytes }) => bytes.length)).toEqual([0]);
  });

  test('that leaves files open is seen', async () => {
    const { found } = await supervise(planted('openFile'), { inputs: 40, seed: 3 });
    expect(found[0]!.problem).toMatch(/^files were left open/);
  });
});
