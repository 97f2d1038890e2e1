/** Models that are split into several GGUF files: any of them opens all, and what does not belong together is told. */
import { renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readGgufParts } from '../../../src/model/gguf/parts';
import { writeGguf } from '../../support/gguf';
import { errorOf, temporaryFolder } from '../../support/temporary';

const COUNT = 3;

/** Three parts: the first with metadata alone, the others with one tensor each. `change` alters a part's metadata. */
function writeParts(change: (metadata: Metadata, index: number) => void = () => {}): string[] {
  const folder = temporaryFolder();
  return Array.from({ length: COUNT }, (_, index) => {
    const metadata: Metadata = { 'split.no': index, 'split.count': COUNT, 'split.tensors.count': 2 };
    change(metadata, index);
    const tensor = { name: metadata.name ?? `tensor ${index}`, shape: [2], data: new Uint8Array(8) };
    const tensors = index === 0 ? [] : [tensor as { name: string; shape: number[] }];
    return writeGguf({ metadata, tensors }, `model-0000${index + 1}-of-0000${COUNT}.gguf`, folder);
  });
}

type Metadata = Record<string, unknown> & { name?: string };

test.each([0, 1, 2])('part %i opens all', async (index) => {
  const paths = writeParts();
  const { metadata, tensors } = await readGgufParts(paths[index]!);
  expect(metadata.path).toBe(paths[0]);
  expect(tensors.map(({ name, file }) => [name, file])).toEqual([
    ['tensor 1', paths[1]],
    ['tensor 2', paths[2]],
  ]);
});

test('a file whose name looks like a part, and says nothing of it, stands alone', async () => {
  const path = writeGguf({ tensors: [{ name: 'a', shape: [0] }] }, 'model-00001-of-00002.gguf');
  expect((await readGgufParts(path)).tensors.length).toBe(1);
});

describe('parts that are refused', () => {
  const cases: [string, (paths: string[]) => void, string, RegExp][] = [
    [
      'a part that is missing',
      (paths) => rmSync(paths[1]!),
      'IO',
      /model-00002-of-00003\.gguf: there is no such file/,
    ],
    [
      'parts that have changed places',
      (paths) => {
        renameSync(paths[1]!, `${paths[1]}.old`);
        renameSync(paths[2]!, paths[1]!);
        renameSync(`${paths[1]}.old`, paths[2]!);
      },
      'BAD_FORMAT',
      /00002-of-00003\.gguf: it says of itself to be part 3 of 3, not 2 of 3/,
    ],
    [
      'a part with another name',
      (paths) => {
        const renamed = join(dirname(paths[0]!), 'model.gguf');
        renameSync(paths[0]!, renamed);
        paths[0] = renamed;
      },
      'BAD_FORMAT',
      /one of 3 parts; they are found by names such as NAME-00001-of-00003\.gguf/,
    ],
  ];

  test.each(cases)('%s', async (_, damage, code, message) => {
    const paths = writeParts();
    damage(paths);
    const error = await errorOf(() => readGgufParts(paths[0]!));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  const changes: [string, (metadata: Metadata, index: number) => void, RegExp][] = [
    [
      'a part of another model',
      (metadata, index) => {
        if (index === 2) metadata['split.count'] = 4;
      },
      /part 3 of 4, not 3 of 3/,
    ],
    [
      'a tensor too few',
      (metadata) => {
        metadata['split.tensors.count'] = 3;
      },
      /'split\.tensors\.count' is 3; its 3 parts have 2 tensors/,
    ],
    [
      'a tensor in two parts',
      (metadata) => {
        metadata.name = 'a';
      },
      /tensor "a" is in two parts; the second is .*00003-of-00003/,
    ],
    [
      'a million parts',
      (metadata) => {
        metadata['split.count'] = 1_000_000;
      },
      /one of 1000000 parts/,
    ],
  ];

  test.each(changes)('%s', async (_, change, message) => {
    const error = await errorOf(() => readGgufParts(writeParts(change)[0]!));
    expect([error.code, error.message]).toEqual(['BAD_FORMAT', expect.stringMatching(message)]);
  });
});
