/** Models converted to .tmai and back: every bit of the tensors, every bit of the logits, and what is refused. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { convert, verify } from '../../src/inference/convert';
import { openModel } from '../../src/inference/model';
import { writeSafetensors } from '../../src/model/safetensors-writer';
import { readTmai } from '../../src/model/tmai/read';
import { native } from '../../src/native';
import { computed, contents, digest, facts } from '../support/conversions';
import { expected, expectedHidden, fixture, readSafetensors, sameBits } from '../support/fixtures';
import { copyOf, errorOf, temporaryFolder, writeHeader } from '../support/temporary';

const manpage = join(__dirname, '../../notebooks/models/manpage');
const names = ['llama', 'llama-256', 'mistral-sharded', 'qwen2', 'qwen3', 'gpt2', 'bert', 'manpage'];
const folders = names.map((name) => ({ name, path: name === 'manpage' ? manpage : fixture(name) }));

afterEach(() => {
  expect(native().liveBytes()).toBe(0);
});

describe.each(folders)('$name', ({ name, path }) => {
  test('there and back: the same tensors, configuration and small files', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'model.tmai');
    const back = join(folder, 'back');
    const before = await contents(path);
    const { bytes } = await convert(path, file);
    expect(bytes).toBe([...before.values()].reduce((sum, tensor) => sum + tensor.bytes, 0));
    expect(await contents(file)).toEqual(before);
    expect(await verify(file)).toBeGreaterThanOrEqual(bytes);

    expect(await convert(file, back)).toEqual({ path: back, format: 'safetensors', bytes });
    expect(await contents(back)).toEqual(before);
    const config = (of: string) => JSON.parse(readFileSync(join(of, 'config.json'), 'utf8'));
    expect(config(back)).toEqual(config(path));
    expect(readFileSync(join(back, 'tokenizer.json'))).toEqual(readFileSync(join(path, 'tokenizer.json')));
    expect(readdirSync(folder).sort()).toEqual(['back', 'model.tmai']);
  });

  test('the file answers as the folder does', async () => {
    const file = join(temporaryFolder(), `${name}.tmai`);
    await convert(path, file);
    const [a, b] = [await openModel(path), await openModel(file)];
    expect(facts(b)).toEqual(facts(a));
    expect(b.format).toBe('tmai');
    expect(b.tokenizer!.encode('the end')).toEqual(a.tokenizer!.encode('the end'));
    a.close();
    b.close();
    const { inputIds } = name === 'bert' ? expectedHidden(name) : expected(name);
    expect(sameBits(await computed(file, inputIds), await computed(path, inputIds))).toBe(true);
  });
});

describe('the file', () => {
  test('layers at multiples of 4 KiB, tensors in the order of execution, a shared one once', async () => {
    const file = join(temporaryFolder(), 'qwen2.tmai');
    await convert(fixture('qwen2'), file);
    const { header, dataStart } = (await readTmai(file))!;
    const model = await openModel(file);
    expect(header.layers.map(({ name }) => name)).toEqual(model.layerNames);
    for (const { offset } of header.layers) expect((dataStart + offset) % 4096).toBe(0);
    const order = [...new Set(model.layers.flatMap(({ tensors }) => tensors))];
    expect(model.tensors.map((tensor) => tensor.name)).toEqual(order);
    expect(header.layers.at(-1)).toMatchObject({
      name: 'output',
      tensors: header.layers[0]!.tensors,
      bytes: 0,
    });
    expect(statSync(file).size).toBe(dataStart + header.layers.at(-1)!.offset);
    model.close();
  });

  test('tensors that nothing computes with come along, in a layer of their own', async () => {
    const folder = copyOf('llama');
    const extra = [
      'BOOL',
      'U8',
      'I8',
      'F8_E5M2',
      'F8_E4M3',
      'I16',
      'U16',
      'I32',
      'U32',
      'I64',
      'U64',
      'F64',
    ] as const;
    const path = join(folder, 'model.safetensors');
    const tensors = Object.entries(readSafetensors(path)).map(([name, { shape, bytes }]) => {
      return { name, dtype: 'F32' as const, shape, data: bytes };
    });
    const others = extra.map((dtype, i) => {
      return { name: dtype, dtype, shape: [i], data: new Uint8Array(i * widthOf(dtype)).fill(i) };
    });
    await writeSafetensors(path, [...tensors, ...others]);
    const before = await contents(folder);
    const file = join(temporaryFolder(), 'model.tmai');
    await convert(folder, file);
    expect((await readTmai(file))!.header.layers.at(-1)).toMatchObject({ name: 'unused', tensors: extra });
    await convert(file, join(folder, 'back'));
    expect(await contents(join(folder, 'back'))).toEqual(before);
  });

  test('of a .tmai: the same bytes again', async () => {
    const folder = temporaryFolder();
    const [first, second] = [join(folder, 'a.tmai'), join(folder, 'b.tmai')];
    await convert(fixture('llama'), first);
    await convert(first, second);
    expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
  });

  test('tokens that end a text come from generation_config.json', async () => {
    const folder = copyOf('llama');
    writeFileSync(join(folder, 'generation_config.json'), '{"eos_token_id":[7,9]}');
    const file = join(temporaryFolder(), 'model.tmai');
    await convert(folder, file);
    const model = await openModel(file);
    expect(model.endIds).toEqual([7, 9]);
    model.close();
  });
});

function widthOf(dtype: string): number {
  return dtype === 'BOOL' ? 1 : Number(/\d+/.exec(dtype)![0]) / 8;
}

describe('what stands at the output', () => {
  async function refusal(input: string, output: string, force = false) {
    const before = existing(output);
    const error = await errorOf(() => convert(input, output, { force }));
    expect(existing(output)).toEqual(before);
    return [error.code, error.message];
  }
  const existing = (path: string) => {
    try {
      return statSync(path).isDirectory() ? readdirSync(path) : digest(readFileSync(path));
    } catch {
      return null;
    }
  };
  const invalid = (message: RegExp) => ['INVALID', expect.stringMatching(message)];

  test('a file is refused, unless it is to be replaced', async () => {
    const output = join(temporaryFolder(), 'model.tmai');
    writeFileSync(output, 'old');
    expect(await refusal(fixture('llama'), output)).toEqual(
      invalid(/exists; name another file, or replace it/),
    );
    await convert(fixture('llama'), output, { force: true });
    await verify(output);
  });

  test('a folder is refused, unless it is a model to be replaced', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'model.tmai');
    await convert(fixture('llama'), file);
    const output = copyOf('mistral-sharded');
    expect(await refusal(file, output)).toEqual(invalid(/is not empty/));
    expect(await refusal(file, output, true)).toEqual(invalid(/expected\.safetensors is no part of a model/));
    rmSync(join(output, 'expected.safetensors'));
    await convert(file, output, { force: true });
    expect(readdirSync(output).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
    expect(readdirSync(join(output, '..'))).toEqual(['mistral-sharded']);
    mkdirSync(join(folder, 'empty'));
    await convert(file, join(folder, 'empty'));
  });

  test('the input itself, by whatever name', async () => {
    const folder = copyOf('llama');
    const file = join(folder, 'a.tmai');
    await convert(folder, file);
    linkSync(file, join(folder, 'hard.tmai'));
    symlinkSync(file, join(folder, 'soft.tmai'));
    for (const name of ['a.tmai', 'hard.tmai', 'soft.tmai', '../llama/a.tmai'])
      expect(await refusal(file, join(folder, name), true)).toEqual(
        invalid(/is the model that is to be converted/),
      );
    expect(await refusal(folder, folder, true)).toEqual(invalid(/is the model that is to be converted/));
  });

  test.each([
    ['a.safetensors', /would be one file of a model; name a folder/],
    ['', /output is ""; it must be a path/],
  ])('the name %j', async (name, message) => {
    expect(await refusal(fixture('llama'), name)).toEqual(invalid(message));
  });

  test('a folder, a device and a link in a circle in place of a file', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a.tmai'));
    symlinkSync('/dev/null', join(folder, 'b.tmai'));
    symlinkSync('c.tmai', join(folder, 'c.tmai'));
    for (const name of ['a.tmai', 'b.tmai'])
      expect(await refusal(fixture('llama'), join(folder, name), true)).toEqual(invalid(/is no file/));
    expect((await refusal(fixture('llama'), join(folder, 'c.tmai'), true))[0]).toBe('IO');
  });

  test('no folder to write in, and a path through a file', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    expect((await refusal(fixture('llama'), join(folder, 'none/a.tmai')))[0]).toBe('IO');
    expect((await refusal(fixture('llama'), join(folder, 'file/a.tmai')))[0]).toBe('IO');
  });
});

describe('while it runs', () => {
  test('progress goes up to the bytes in all', async () => {
    const folder = temporaryFolder();
    const seen: number[][] = [];
    const onProgress = (done: number, total: number) => seen.push([done, total]);
    const { bytes } = await convert(fixture('llama'), join(folder, 'a.tmai'), { onProgress });
    expect(seen.at(-1)).toEqual([bytes, bytes]);
    expect(seen.map(([done]) => done)).toEqual(seen.map(([done]) => done).sort((a, b) => a! - b!));
  });

  test('cancelled at any chunk: nothing is left', async () => {
    const folder = temporaryFolder();
    for (let chunk = 0; chunk < 38; chunk += 1) {
      const controller = new AbortController();
      let seen = 0;
      const onProgress = () => seen++ === chunk && controller.abort();
      if (chunk === 0) controller.abort();
      const options = { onProgress, signal: controller.signal };
      const error = await errorOf(() => convert(fixture('llama'), join(folder, 'a.tmai'), options));
      expect(error.code).toBe('CANCELLED');
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  test('a source that is cut short is CORRUPT, and what stood at the output stays', async () => {
    const source = copyOf('llama');
    const output = join(temporaryFolder(), 'a.tmai');
    writeFileSync(output, 'old');
    const cut = () => truncateSync(join(source, 'model.safetensors'), 50_000);
    const error = await errorOf(() => convert(source, output, { force: true, onProgress: cut }));
    expect(error.code).toBe('CORRUPT');
    expect(readFileSync(output, 'utf8')).toBe('old');
  });
});

describe('large tensors', () => {
  /** The llama fixture with one more tensor, whose bytes are a hole in the file. */
  function withHole(bytes: number): string {
    const folder = copyOf('llama');
    const path = join(folder, 'model.safetensors');
    const file = readFileSync(path);
    const length = Number(file.readBigUInt64LE());
    const data = file.subarray(8 + length);
    const hole = { dtype: 'U8', shape: [bytes], data_offsets: [data.length, data.length + bytes] };
    const header = JSON.parse(file.toString('utf8', 8, 8 + length));
    writeHeader(path, { ...header, hole });
    appendFileSync(path, data);
    truncateSync(path, statSync(path).size + bytes);
    return folder;
  }

  test('are copied in chunks: memory does not grow with them', () => {
    const output = join(temporaryFolder(), 'a.tmai');
    const script = `
      const { convert } = require(${JSON.stringify(join(__dirname, '../../dist/src/index.js'))});
      const [small, large, output] = process.argv.slice(1);
      (async () => {
        await convert(small, output);
        const before = process.resourceUsage().maxRSS;
        await convert(large, output, { force: true });
        console.log((process.resourceUsage().maxRSS - before) * 1024);
      })();`;
    const paths = [withHole(16 * 2 ** 20), withHole(400 * 2 ** 20), output];
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script, ...paths], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(Number(stdout)).toBeLessThan(32 * 2 ** 20);
  });

  test('that the disk has no room for: told before anything is written', async () => {
    const output = temporaryFolder();
    const error = await errorOf(() => convert(withHole(8 * 2 ** 40), join(output, 'a.tmai')));
    expect([error.code, error.message]).toEqual([
      'IO',
      expect.stringMatching(/needs 8\.0 TiB, the disk has .* free/),
    ]);
    expect(readdirSync(output)).toEqual([]);
  });
});

describe('damage', () => {
  test('a flipped bit is CORRUPT, naming the layer; nothing is made from it', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'a.tmai');
    await convert(fixture('llama'), file);
    const { header, dataStart } = (await readTmai(file))!;
    const clean = readFileSync(file);
    for (const { name, offset, bytes } of [...header.layers, ...header.files]) {
      const bytesOfFile = Buffer.from(clean);
      bytesOfFile[dataStart + offset + bytes - 1]! ^= 1;
      writeFileSync(file, bytesOfFile);
      const error = await errorOf(() => verify(file));
      expect([error.code, error.message]).toEqual(['CORRUPT', expect.stringContaining(`'${name}'`)]);
      expect((await errorOf(() => convert(file, join(folder, 'back')))).code).toBe('CORRUPT');
    }
    expect(readdirSync(folder)).toEqual(['a.tmai']);
  });

  test('a damaged tokenizer is CORRUPT when it is read', async () => {
    const file = join(temporaryFolder(), 'a.tmai');
    await convert(fixture('llama'), file);
    const { header, dataStart } = (await readTmai(file))!;
    const bytes = readFileSync(file);
    bytes[dataStart + header.files[0]!.offset + 5]! ^= 1;
    writeFileSync(file, bytes);
    const model = await openModel(file);
    const error = await errorOf(() => model.tokenizer!.encode('Hello'));
    expect([error.code, error.message]).toEqual([
      'CORRUPT',
      expect.stringMatching(/'tokenizer.json' are not those/),
    ]);
    model.close();
  });

  test('cut short anywhere, it is not opened', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'a.tmai');
    await convert(fixture('llama'), file);
    const copy = join(folder, 'b.tmai');
    const { size } = statSync(file);
    for (let cut = 0; cut < size; cut += 4001) {
      copyFileSync(file, copy);
      truncateSync(copy, cut);
      expect((await errorOf(() => openModel(copy))).code).toBe('BAD_FORMAT');
    }
  });
});
