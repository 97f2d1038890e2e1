/** A tokenizer is seen when its model is opened, and read when it is first used: what that saves, and what happens in between. */
import { appendFileSync, copyFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { convert } from '../../src/inference/convert';
import { type Model, openModel } from '../../src/inference/model';
import { native } from '../../src/native';
import { fixture } from '../support/fixtures';
import { copyOf, errorOf, temporaryFolder } from '../support/temporary';

const opened: Model[] = [];
afterEach(() => {
  for (const model of opened.splice(0)) model.close();
  expect(native().liveBytes()).toBe(0);
});

async function open(path: string): Promise<Model> {
  const model = await openModel(path);
  opened.push(model);
  return model;
}

test('opening a folder does not read a tokenizer.json of 60 MiB', async () => {
  const folder = copyOf('llama');
  truncateSync(join(folder, 'tokenizer.json'), 60 * 2 ** 20);
  const before = process.memoryUsage.rss();
  const model = await open(folder);
  expect(process.memoryUsage.rss() - before).toBeLessThan(30 * 2 ** 20);
  expect(model.tokenizer).not.toBeNull();
  const error = await errorOf(() => model.tokenizer!.encode('Hello'));
  expect([error.code, error.message]).toEqual(['BAD_FORMAT', expect.stringMatching(/is not valid JSON/)]);
});

test.each([
  ['none', '{"model":{}}', /tokenizer\.json is not a tokenizer/],
  ['no JSON', '{"model":', /tokenizer\.json is not valid JSON/],
  ['a list', '[]', /tokenizer\.json must hold a JSON object/],
  ['larger than any', 65 * 2 ** 20, /tokenizer\.json has 68157440 bytes; it is read up to 67108864/],
])('a tokenizer.json that is %s: told by every use; token ids run', async (_, content, message) => {
  const folder = copyOf('llama');
  const path = join(folder, 'tokenizer.json');
  if (typeof content === 'number') truncateSync(path, content);
  else writeFileSync(path, content);
  const model = await open(folder);
  const tokenizer = model.tokenizer!;
  const session = model.session();
  const uses = [
    () => tokenizer.encode('Hello'),
    () => tokenizer.decode([1]),
    () => tokenizer.idOf('a'),
    () => tokenizer.tokenOf(1),
    () => tokenizer.hasChatTemplate,
    () => tokenizer.applyChatTemplate([{ role: 'user', content: 'Hello' }]),
    () => session.forward('Hello'),
  ];
  for (const use of uses) {
    const error = await errorOf(use);
    expect([error.code, error.message]).toEqual(['BAD_FORMAT', expect.stringMatching(message)]);
  }
  expect((await session.forward([1])).shape).toEqual([1, 512]);
  session.close();
  await session.closed;
});

/** A model of each format, and the file in which its tokenizer is. */
const FORMATS: readonly [string, () => Promise<{ model: string; file: string }>][] = [
  [
    'a folder',
    async () => {
      const folder = copyOf('llama');
      return { model: folder, file: join(folder, 'tokenizer.json') };
    },
  ],
  [
    'a GGUF file',
    async () => {
      const file = join(temporaryFolder(), 'model.gguf');
      copyFileSync(fixture('../gguf/llama-f16.gguf'), file);
      return { model: file, file };
    },
  ],
  ...['llama', '../gguf/llama-f16.gguf'].map((of): (typeof FORMATS)[number] => [
    `a .tmai file of ${of}`,
    async () => {
      const file = join(temporaryFolder(), 'model.tmai');
      await convert(fixture(of), file);
      return { model: file, file };
    },
  ]),
];

/** What happens to that file between opening and the first use. */
const CHANGES: readonly [string, (file: string) => void, string, RegExp][] = [
  ['is removed', (file) => rmSync(file), 'IO', /there is no such file/],
  [
    'is replaced by the same',
    (file) => {
      copyFileSync(file, `${file}.new`);
      renameSync(`${file}.new`, file);
    },
    'CORRUPT',
    /was changed since the model was opened; open the model again/,
  ],
  ['grows', (file) => appendFileSync(file, ' '), 'CORRUPT', /was changed since/],
  ['is cut short', (file) => truncateSync(file, 1000), 'CORRUPT', /was changed since/],
];

describe.each(FORMATS)('%s', (_, make) => {
  test('the tokenizer is read at the first use, and not again', async () => {
    const { model, file } = await make();
    const { tokenizer } = await open(model);
    const ids = tokenizer!.encode('Hello');
    rmSync(file);
    expect(tokenizer!.decode(ids)).toBe('Hello');
  });

  test.each(CHANGES)('the file %s before it', async (_, change, code, message) => {
    const { model, file } = await make();
    const { tokenizer } = await open(model);
    change(file);
    const error = await errorOf(() => tokenizer!.encode('Hello'));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
    expect(error.message).toContain(file);
  });
});

test('what a folder gets after it was opened is not taken for its own', async () => {
  const folder = copyOf('llama');
  const { tokenizer } = await open(folder);
  writeFileSync(join(folder, 'chat_template.jinja'), 'late');
  expect(tokenizer!.hasChatTemplate).toBe(false);
});
