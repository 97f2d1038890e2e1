/** Safetensors files made to harm: bombs, things that are no files, files that change while they are open. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import { readSafetensorsHeader } from '../../src/model/safetensors';
import { copyOf, errorOf, temporaryFolder, writeHeader } from '../support/temporary';

const MiB = 2 ** 20;

function hostileFile(header: unknown, dataBytes = 0): string {
  const path = join(temporaryFolder(), 'model.safetensors');
  writeHeader(path, header, dataBytes);
  return path;
}

describe('bombs end within a second of a processor and 64 MiB', () => {
  const repeat = (unit: string, bytes: number) => unit.repeat(Math.floor(bytes / unit.length));
  const READ = `
    const { readSafetensorsHeader } = require(${JSON.stringify(join(__dirname, '../../dist/src/model/safetensors.js'))});
    const before = process.resourceUsage().maxRSS * 1024;
    const began = process.cpuUsage();
    readSafetensorsHeader(process.argv[1]).catch(({ code, message }) => {
      const { user, system } = process.cpuUsage(began);
      const ms = (user + system) / 1000;
      console.log(JSON.stringify({ code, message, ms, bytes: process.resourceUsage().maxRSS * 1024 - before }));
    });`;

  test.each([
    ['lists in lists', repeat('[', 16 * MiB), /nested more than 64 deep/],
    ['objects in objects', repeat('{"a":', 16 * MiB), /nested more than 64 deep/],
    ['empty lists by the million', `{"a":[${repeat('[],', 15 * MiB)}[]]}`, /more than 1048576 values/],
    ['numbers by the million', `{"a":[${repeat('0,', 15 * MiB)}0]}`, /more than 1048576 values/],
    ['names by the million', `{${repeat('"":0,', 15 * MiB)}"":0}`, /gives the name "" twice/],
    ['a name of megabytes', `{"${repeat('a', 15 * MiB)}":1}`, /'a{100}…' is not described by an object/],
    ['backslashes', `{"${repeat('\\\\', 15 * MiB)}`, /not valid JSON/],
    ['quotes', repeat('"', 15 * MiB), /not valid JSON/],
    ['blanks', repeat(' ', 16 * MiB), /not valid JSON/],
    [
      'a shape of a million extents',
      `{"a":{"dtype":"F32","shape":[${repeat('1,', 1.9 * MiB)}1],"data_offsets":[0,8]}}`,
      /'a' of F32 \[1,1,1.*… needs 4 bytes/,
    ],
  ])('%s', (_, header, message) => {
    const path = hostileFile(header, 8);
    const { stdout } = spawnSync(process.execPath, ['-e', READ, path], { encoding: 'utf8', timeout: 30_000 });
    const seen = JSON.parse(stdout);
    expect(seen).toMatchObject({ code: 'BAD_FORMAT', message: expect.stringMatching(message) });
    expect(seen.message.length).toBeLessThan(1000);
    expect(seen.ms).toBeLessThan(1000);
    expect(seen.bytes).toBeLessThan(64 * MiB);
  });

  test('a header of 100 MB is refused before it is read', async () => {
    const path = hostileFile('{}');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(100_000_000n);
    writeFileSync(path, length);
    truncateSync(path, 100_000_008);
    expect((await errorOf(() => readSafetensorsHeader(path))).message).toMatch(
      /claims 100000000 bytes; headers/,
    );
  });
});

describe('names and shapes', () => {
  const entry = (shape: unknown, end: number) => ({ dtype: 'F32', shape, data_offsets: [0, end] });

  test.each([
    ['a name given twice, once by an escape', '{"a":1,"\\u0061":2}', /gives the name "a" twice/],
    [
      'a dtype given twice',
      '{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}',
      /"dtype" twice/,
    ],
    ['an extent of 2^60', { a: entry([2 ** 60], 4) }, /whole numbers below 2\^53/],
    ['a product of 2^60', { a: entry([2 ** 30, 2 ** 30], 4) }, /size overflows/],
    ['a product of 0 that overflows on the way', { a: entry([2 ** 50, 2 ** 50, 0], 0) }, /size overflows/],
  ])('%s', async (_, header, message) => {
    const error = await errorOf(() => readSafetensorsHeader(hostileFile(header, 4)));
    expect([error.code, error.message]).toEqual(['BAD_FORMAT', expect.stringMatching(message)]);
  });

  test('the same name in two objects is none twice', async () => {
    const path = hostileFile({ b: entry([0], 0), dtype: entry([1], 4), '"[{:': { ...entry([0], 0) } }, 4);
    expect((await readSafetensorsHeader(path)).map(({ name }) => name)).toEqual(['b', '"[{:', 'dtype']);
  });

  test('a name that is not UTF-8', async () => {
    const path = hostileFile({ a: entry([1], 4) }, 4);
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('"a"') + 1] = 0xff;
    writeFileSync(path, bytes);
    const error = await errorOf(() => readSafetensorsHeader(path));
    expect([error.code, error.message]).toEqual(['BAD_FORMAT', expect.stringContaining('not valid JSON')]);
  });

  test('names that objects have of themselves are names like others', async () => {
    const path = hostileFile('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1);
    expect((await readSafetensorsHeader(path)).map(({ name }) => name)).toEqual(['__proto__']);
  });
});

describe('what is no file', () => {
  const KINDS: [string, (path: string) => void, RegExp][] = [
    ['a folder', (path) => mkdirSync(path), /it is a folder/],
    ['a pipe', (path) => execFileSync('mkfifo', [path]), /it is a pipe, a device or a socket/],
    ['a device', (path) => symlinkSync('/dev/zero', path), /it is a pipe, a device or a socket/],
    ['a link to itself', (path) => symlinkSync(path, path), /links lead in a circle/],
    ['a link to nothing', (path) => symlinkSync(`${path}.gone`, path), /there is no such file/],
  ];
  const FILES = ['model.safetensors', 'config.json', 'tokenizer.json', 'model.safetensors.index.json'];

  test.each(FILES.flatMap((file) => KINDS.map(([kind, make, reason]) => ({ file, kind, make, reason }))))(
    '$file is $kind',
    async ({ file, kind, make, reason }) => {
      const folder = copyOf('llama');
      rmSync(join(folder, file), { force: true });
      make(join(folder, file));
      // A file that need not be there may be a link to nothing.
      if (kind === 'a link to nothing' && /^tokenizer|index/.test(file))
        return (await openModel(folder)).close();
      const error = await errorOf(() => openModel(folder));
      expect([error.code, error.message]).toEqual(['IO', expect.stringMatching(reason)]);
      expect(error.message).toContain(join(folder, file));
    },
  );

  test.each(KINDS)('a shard is %s', async (_, make, reason) => {
    const folder = copyOf('mistral-sharded');
    const shard = join(folder, 'model-00002-of-00005.safetensors');
    rmSync(shard);
    make(shard);
    const error = await errorOf(() => openModel(folder));
    expect([error.code, error.message]).toEqual(['IO', expect.stringMatching(reason)]);
  });
});

describe('the map of shards', () => {
  const INDEX = 'model.safetensors.index.json';
  const FIRST = 'model-00001-of-00005.safetensors';

  test.each(['..', '.', '', '/etc/passwd', '../x', 'a\\b', 'a\0b', 7, null, { a: 1 }])(
    'the shard %j is no file name',
    async (shard) => {
      const folder = copyOf('mistral-sharded');
      writeFileSync(join(folder, INDEX), JSON.stringify({ weight_map: { a: shard } }));
      const error = await errorOf(() => openModel(folder));
      expect([error.code, error.message]).toEqual([
        'BAD_FORMAT',
        expect.stringMatching(/'a' .* not a file name/),
      ]);
    },
  );

  test('an index that names itself', async () => {
    const folder = copyOf('mistral-sharded');
    writeFileSync(join(folder, INDEX), JSON.stringify({ weight_map: { a: INDEX } }));
    expect((await errorOf(() => openModel(folder))).code).toBe('BAD_FORMAT');
  });

  test('a tensor that is given to two shards', async () => {
    const folder = copyOf('mistral-sharded');
    writeFileSync(join(folder, INDEX), `{"weight_map":{"a":"${FIRST}","a":"b.safetensors"}}`);
    expect((await errorOf(() => openModel(folder))).message).toMatch(/gives the name "a" twice/);
  });

  test('a shard that is a link to another', async () => {
    const folder = copyOf('mistral-sharded');
    const shard = join(folder, 'model-00002-of-00005.safetensors');
    rmSync(shard);
    symlinkSync(FIRST, shard);
    const error = await errorOf(() => openModel(folder));
    expect([error.code, error.message]).toEqual([
      'BAD_FORMAT',
      expect.stringMatching(/the index gives it to/),
    ]);
  });

  test('more shards than a process may open', async () => {
    const folder = copyOf('mistral-sharded');
    const map = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`t${i}`, `s${i}.safetensors`]));
    writeFileSync(join(folder, INDEX), JSON.stringify({ weight_map: map }));
    expect((await errorOf(() => openModel(folder))).code).toBe('IO');
  });
});

describe('a file that changes while it is open', () => {
  test('cut short: CORRUPT for tensors and for passes', async () => {
    const folder = copyOf('llama');
    const model = await openModel(folder);
    const session = model.session();
    truncateSync(join(folder, 'model.safetensors'), 20_000);
    const last = model.tensors.at(-1)!.name;
    expect((await errorOf(() => model.tensor(last).read())).code).toBe('CORRUPT');
    expect((await errorOf(() => session.forward([1, 2, 3]))).code).toBe('CORRUPT');
    model.close();
    await session.closed;
  });

  test('replaced by another: what was opened is read', async () => {
    const folder = copyOf('llama');
    const file = join(folder, 'model.safetensors');
    const model = await openModel(folder);
    const name = model.tensors.at(-1)!.name;
    const before = await model.tensor(name).read();
    writeFileSync(`${file}.new`, 'other');
    renameSync(`${file}.new`, file);
    expect(await model.tensor(name).read()).toEqual(before);
    model.close();
  });
});
