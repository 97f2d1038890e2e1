/** Every way in which a .tmai file and its header can disagree, and the layers of version 1. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { convert, verify } from '../../src/inference/convert';
import { openModel } from '../../src/inference/model';
import { openCheckpoint } from '../../src/model/checkpoint';
import { dataStart, type TmaiHeader } from '../../src/model/tmai/format';
import { readTmai } from '../../src/model/tmai/read';
import { readOpaqueModel } from '../../src/model/tmai/version1';
import { formatBytes } from '../../src/units';
import { fixture } from '../support/fixtures';
import { errorOf, temporaryFolder } from '../support/temporary';

const cli = join(__dirname, '../../dist/src/cli/main.js');

/** A good file with another header; the data begin where they must for its length. */
async function withHeader(change: (header: TmaiHeader) => string): Promise<string> {
  const path = join(temporaryFolder(), 'model.tmai');
  await convert(fixture('qwen2'), path);
  const { header, dataStart: start } = (await readTmai(path))!;
  writeFile(path, 2, Buffer.from(change(header)), readFileSync(path).subarray(start));
  return path;
}

/** The header as text, with what stands at a path such as `layers.1.name` replaced by what `value` makes of it. */
function replaced(header: TmaiHeader, path: string, value: (old: never) => unknown): string {
  const copy = structuredClone(header) as unknown as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop()!;
  const owner = keys.reduce((object, key) => object[key] as Record<string, unknown>, copy);
  owner[last] = value(owner[last] as never);
  return JSON.stringify(copy);
}

function writeFile(
  path: string,
  version: number,
  header: Buffer,
  data: Uint8Array,
  length = header.length,
): void {
  const bytes = Buffer.alloc(dataStart(header.length) + data.length);
  bytes.writeUInt32LE(0x544d4149, 0);
  bytes.writeUInt32LE(version, 4);
  bytes.writeBigUInt64LE(BigInt(length), 8);
  header.copy(bytes, 16);
  bytes.set(data, dataStart(header.length));
  writeFileSync(path, bytes);
}

async function refusal(path: string) {
  const { code, message } = await errorOf(() => openModel(path));
  expect(message).toContain(path);
  return [code, message];
}

test.each<[string, string, RegExp]>([
  ['no object', '[]', /must hold a JSON object/],
  ['no JSON', '{', /not valid JSON/],
  ['lists in lists', '['.repeat(2 ** 20), /nested more than 64 deep/],
  ['a name twice', '{"origin":1,"origin":2}', /gives the name "origin" twice/],
])('a header of %s is BAD_FORMAT', async (_, text, message) => {
  expect(await refusal(await withHeader(() => text))).toEqual(['BAD_FORMAT', expect.stringMatching(message)]);
});

const nothing = () => undefined;
const plus = (by: number) => (old: number) => old + by;

test.each<[string, string, (old: never) => unknown, RegExp]>([
  ['no origin', 'origin', nothing, /has the origin undefined/],
  ['another origin', 'origin.format', () => 'onnx', /has the origin/],
  ['half an origin', 'origin', () => ({ format: 'gguf', bytes: 5 }), /has the origin/],
  ['a configuration that is a list', 'config', () => [], /has the config \[\]/],
  ['an end that is no number', 'endIds', () => ['a'], /has the endIds/],
  ['no layers', 'layers', nothing, /has the layers undefined/],
  ['a layer that is text', 'layers.1', () => 'a', /has the layer "a"/],
  ['a layer without a checksum', 'layers.1.crc32', nothing, /has the layer/],
  ['a checksum that is none', 'layers.1.crc32', () => 'xyz', /has the layer/],
  ['a checksum that is no text', 'layers.1.crc32', () => ({ toString: '0' }), /has the layer/],
  ['a tensor of no type', 'tensors.0.dtype', () => 'Q7', /has the tensor/],
  ['a shape of 2^60', 'tensors.0.shape', () => [2 ** 30, 2 ** 30], /has the tensor/],
  ['a negative extent', 'tensors.0.shape', () => [-1], /has the tensor/],
  ['a recipe that is no text', 'tensors.0.recipe', () => 8, /has the tensor/],
  ['a recipe of two lines', 'tensors.0.recipe', () => 'int8\n', /has the tensor/],
  ['a recipe without end', 'tensors.0.recipe', () => 'a'.repeat(81), /has the tensor/],
  ['a larger shape', 'tensors.0.shape.0', plus(1024), /its place is/],
  ['an offset that overlaps', 'tensors.3.offset', plus(-64), /its place is/],
  ['an offset off its alignment', 'tensors.3.offset', plus(4), /its place is/],
  ['an offset of 2^53', 'tensors.3.offset', () => 2 ** 53, /has the tensor/],
  ['a layer elsewhere', 'layers.2.offset', plus(4096), /it must have/],
  ['a layer with other bytes', 'layers.2.bytes', plus(-1), /it must have/],
  ['a tensor twice', 'tensors', (all: object[]) => [...all, all[0]], /has the tensor '.*' twice/],
  ['a layer twice', 'layers', (all: object[]) => [...all, all[1]], /has the layer '.*' twice/],
  ['a tensor that there is not', 'layers.1.tensors.0', () => 'x', /names the tensor 'x'/],
  ['a tensor in no layer', 'layers.1.tensors', () => [], /is in no layer/],
  ['one layer less', 'layers', (all: object[]) => all.slice(2), /its place is/],
  ['a file that leaves the folder', 'files.0.name', () => '../x', /has the file/],
  ['a file with a path', 'files.0.name', () => '/etc/passwd', /has the file/],
  ['a file of gigabytes', 'files.0.bytes', () => 2 ** 40, /has the file/],
  ['a longer file', 'files.0.bytes', plus(5000), /its place is/],
])('a header with %s is BAD_FORMAT', async (_, path, value, message) => {
  const file = await withHeader((header) => replaced(header, path, value));
  expect(await refusal(file)).toEqual(['BAD_FORMAT', expect.stringMatching(message)]);
});

test('what later versions add is passed over', async () => {
  const path = await withHeader((header) => replaced(header, 'tensors.0.later', () => 'int8'));
  (await openModel(path)).close();
});

describe('recipes', () => {
  const recipesOf = async (path: string) =>
    (await readTmai(path))!.header.tensors.map(({ recipe }) => recipe);
  const inspect = (path: string, ...flags: string[]) =>
    spawnSync(process.execPath, [cli, 'inspect', path, ...flags], { encoding: 'utf8' }).stdout;

  test('a conversion copies, and says so of each tensor', async () => {
    const path = join(temporaryFolder(), 'model.tmai');
    await convert(fixture('qwen2'), path);
    expect(new Set(await recipesOf(path))).toEqual(new Set(['copied']));
    const model = await openModel(path);
    expect(model.tensors.every(({ recipe }) => recipe === 'copied')).toBe(true);
    model.close();
    expect(inspect(path)).toMatch(/^ {2}recipes +copied$/m);
    expect(inspect(fixture('qwen2'))).not.toMatch(/recipe/);
  });

  test('of files that have none, tensors are copies', async () => {
    const path = await withHeader((header) => {
      return JSON.stringify({ ...header, tensors: header.tensors.map(({ recipe: _, ...tensor }) => tensor) });
    });
    expect(new Set(await recipesOf(path))).toEqual(new Set(['copied']));
  });

  test('how a tensor was quantized is kept by later conversions, and shown', async () => {
    const path = await withHeader((header) => replaced(header, 'tensors.0.recipe', () => 'int8 by channel'));
    const again = join(temporaryFolder(), 'again.tmai');
    await convert(path, again);
    expect((await recipesOf(again)).slice(0, 2)).toEqual(['int8 by channel', 'copied']);
    expect(inspect(again)).toMatch(/^ {2}recipes +copied, int8 by channel$/m);
    const { tensors } = JSON.parse(inspect(again, '--json'));
    expect(tensors[0]).toMatchObject({ recipe: 'int8 by channel' });
  });
});

describe('checksums', () => {
  test.each(['qwen2', 'bert'])('%s: those of a layer cover its tensors, where they lie', async (name) => {
    const path = join(temporaryFolder(), 'model.tmai');
    await convert(fixture(name), path);
    const { checksums, tensors } = await openCheckpoint(path, { tokenizer: false });
    const { layers, files } = checksums!;
    const model = await openModel(path);
    expect(layers.map((layer) => layer.name)).toEqual(expect.arrayContaining([...model.layerNames]));
    model.close();
    const bytes = readFileSync(path);
    for (const { file, offset, bytes: length, crc32: checksum } of [...files, ...layers]) {
      expect(file).toBe(path);
      expect(crc32(bytes.subarray(offset, offset + length))).toBe(checksum);
    }
    for (const { offset, bytes: length } of tensors) {
      const holders = layers.filter(
        (layer) => layer.offset <= offset && offset + length <= layer.offset + layer.bytes,
      );
      expect(holders).toHaveLength(1);
    }
  });

  test('inspect --verify reads them all, and refuses a layer that is damaged', async () => {
    const path = join(temporaryFolder(), 'model.tmai');
    await convert(fixture('llama'), path);
    const inspect = (...flags: string[]) =>
      spawnSync(process.execPath, [cli, 'inspect', path, '--verify', ...flags], { encoding: 'utf8' });
    const checked = await verify(path);
    expect(inspect().stdout).toContain(`\nevery layer matches its checksum: ${formatBytes(checked)}\n`);
    expect(inspect().stderr).toMatch(/^checking .*100%/m);
    expect(JSON.parse(inspect('--json').stdout)).toMatchObject({ verifiedBytes: checked });
    const { offset } = (await openCheckpoint(path, { tokenizer: false })).checksums!.layers[3]!;
    const bytes = readFileSync(path);
    bytes[offset]! ^= 1;
    writeFileSync(path, bytes);
    expect(inspect()).toMatchObject({ status: 1, stdout: '' });
    expect(inspect().stderr).toMatch(/hyperion: CORRUPT: .*'layers\.1\.attention'/);
  });

  test('formats without them are told from damage', async () => {
    for (const path of [fixture('llama'), fixture('../gguf/llama-f16.gguf')]) {
      const { code, message } = await errorOf(() => verify(path));
      expect([code, message]).toEqual(['UNSUPPORTED', expect.stringMatching(/has no checksums; .*convert/)]);
    }
    expect((await errorOf(() => verify('/nowhere.tmai'))).code).toBe('IO');
  });
});

describe('the first bytes', () => {
  const header = Buffer.from('{}');

  test.each([
    [
      'another version',
      (path: string) => writeFile(path, 3, header, Buffer.alloc(0)),
      'UNSUPPORTED',
      /is .tmai 3/,
    ],
    [
      'a length of 2^64 - 1',
      (path: string) => writeFile(path, 2, header, Buffer.alloc(0), 2 ** 64 - 2 ** 11),
      'BAD_FORMAT',
      /read up to 32/,
    ],
    [
      'a length behind the end',
      (path: string) => writeFile(path, 2, header, Buffer.alloc(0), 9000),
      'BAD_FORMAT',
      /only 4096; is it complete/,
    ],
    ['no bytes', (path: string) => writeFileSync(path, ''), 'BAD_FORMAT', /too few for a .tmai file/],
    [
      'zeros',
      (path: string) => writeFileSync(path, Buffer.alloc(8192)),
      'BAD_FORMAT',
      /does not begin as a .tmai/,
    ],
    ['a folder', (path: string) => mkdirSync(path), 'IO', /config.json/],
    ['a pipe', (path: string) => execFileSync('mkfifo', [path]), 'IO', /it is a pipe/],
    ['a device', (path: string) => symlinkSync('/dev/zero', path), 'IO', /it is a pipe, a device/],
    ['a link to itself', (path: string) => symlinkSync(path, path), 'IO', /in a circle/],
  ])('%s', async (_, make, code, message) => {
    const path = join(temporaryFolder(), 'model.tmai');
    make(path);
    expect(await refusal(path)).toEqual([code, expect.stringMatching(message)]);
  });
});

describe('version 1', () => {
  interface Layer {
    offset: number;
    size: number;
    precision: number;
  }

  function writeVersion1(layers: Layer[], bytes: number, change: (file: Buffer) => void = () => {}): string {
    const path = join(temporaryFolder(), 'old.tmai');
    const file = Buffer.alloc(bytes);
    file.writeUInt32LE(0x544d4149, 0);
    file.writeUInt32LE(1, 4);
    file.writeUInt32LE(layers.length, 8);
    file.write('tiny', 16);
    for (const [i, { offset, size, precision }] of layers.entries())
      for (const [field, value] of [offset, size, precision].entries())
        file.writeUInt32LE(value, 256 + 32 * i + 4 * field);
    change(file);
    writeFileSync(path, file);
    return path;
  }
  const layers = [
    { offset: 320, size: 64, precision: 32 },
    { offset: 384, size: 16, precision: 4 },
  ];

  test('layers are listed', async () => {
    const path = writeVersion1(layers, 400);
    expect(await readOpaqueModel(path)).toEqual({
      path,
      name: 'tiny',
      layers: [
        { name: 'layer 0', offset: 320, bytes: 64, precision: 32 },
        { name: 'layer 1', offset: 384, bytes: 16, precision: 4 },
      ],
    });
    const inspect = (...flags: string[]) =>
      spawnSync(process.execPath, [cli, 'inspect', path, ...flags], { encoding: 'utf8' });
    expect(inspect().stdout).toMatch(/^tiny: .*80 B[\s\S]*layer 1 +16 B +4$/m);
    expect(JSON.parse(inspect('--json').stdout)).toMatchObject({
      format: 'tmai',
      parameters: 48,
      bytes: 80,
      layers: [{ name: 'layer 0', bytes: 64, tensors: [] }, { name: 'layer 1' }],
    });
  });

  test('nothing computes with them', async () => {
    const path = writeVersion1(layers, 400);
    const expected = [
      'UNSUPPORTED',
      expect.stringMatching(/is of .tmai 1, .* convert the model that it was made from/),
    ];
    expect(await refusal(path)).toEqual(expected);
    const output = join(temporaryFolder(), 'out');
    const { code, message } = await errorOf(() => convert(path, output));
    expect([code, message]).toEqual(expected);
  });

  test.each<[string, Layer[], number, ((file: Buffer) => void) | undefined, RegExp]>([
    ['a table behind the end', layers, 310, undefined, /table of 2 layers ends at 320, the file at 310/],
    ['a billion layers', layers, 400, (file) => file.writeUInt32LE(1e9, 8), /claims 1000000000 layers/],
    ['a layer behind the end', layers, 399, undefined, /layer 1 ends 1 B behind the end/],
    [
      'a layer within the table',
      [{ offset: 0, size: 8, precision: 8 }],
      400,
      undefined,
      /layer 0 begins at 0/,
    ],
    [
      'a layer of no precision',
      [{ offset: 300, size: 8, precision: 0 }],
      400,
      undefined,
      /precision of 0 bits/,
    ],
    ['a name that is not UTF-8', layers, 400, (file) => file.writeUInt8(0xff, 16), /name is not UTF-8/],
  ])('%s is BAD_FORMAT', async (_, table, bytes, change, message) => {
    const error = await errorOf(() => readOpaqueModel(writeVersion1(table, bytes, change)));
    expect([error.code, error.message]).toEqual(['BAD_FORMAT', expect.stringMatching(message)]);
  });
});
