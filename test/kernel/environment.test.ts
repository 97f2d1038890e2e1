/** What a cell finds, from a folder with nothing in it: types and values of Node, this package, files beside the notebook. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, contents, printed, result } from './client';

let client: Client;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), 'hyperion-empty-'));
  client = await Client.start({ cwd: folder });
});
afterAll(async () => {
  await client.close();
  rmSync(folder, { recursive: true });
});

const typeOf = async (code: string) => {
  const { content } = await client.request('inspect_request', { code, cursor_pos: code.length });
  return (content.data as Record<string, string>)['text/plain'] ?? '';
};

describe('from an empty folder', () => {
  test.each([
    ['console', 'Console'],
    ['setTimeout', 'NodeJS.Timeout'],
    ['Buffer', 'BufferConstructor'],
    ['process', 'NodeJS.Process'],
    ['structuredClone', 'structuredClone'],
    ['fetch', 'fetch'],
    ['AbortSignal', 'AbortSignal'],
    ['hyperion', 'hyperion'],
  ])('%s is there, with its type', async (name, type) => {
    const { reply, published } = await client.execute(`typeof ${name}`);
    expect(reply.content.status).toBe('ok');
    expect(result(published)).toMatch(/'(function|object)'/);
    expect(await typeOf(name)).toContain(type);
  });

  test('types are checked, not any', async () => {
    const { reply } = await client.execute(
      "setTimeout('text', 'soon'); Buffer.alloc('many'); hyperion.parseSize();",
    );
    expect(reply.content.ename).toBe('TypeScriptError');
    expect(String(reply.content.evalue).split('\n').length).toBeGreaterThanOrEqual(3);
  });

  test('disposal and recent additions of the language are typed', async () => {
    const { reply } = await client.execute(`
      const disposable: Disposable = { [Symbol.dispose]() {} };
      const asyncDisposable: AsyncDisposable = { async [Symbol.asyncDispose]() {} };
      [1, 2].findLast((n) => n > 0);`);
    expect(reply.content).toMatchObject({ status: 'ok' });
  });

  test('the package is imported, and may be imported again by name', async () => {
    const { published } = await client.execute(
      "import { parseSize, HyperionError } from 'hyperion-lab'; [parseSize('1 KiB'), HyperionError === hyperion.HyperionError]",
    );
    expect(result(published)).toBe('[ 1024, true ]');
  });

  test('its declarations have no complaint', async () => {
    const { reply } = await client.execute(
      'type Model = Awaited<ReturnType<typeof hyperion.openModel>>; let model: Model | undefined; let token: hyperion.Token | undefined;',
    );
    expect(reply.content).toMatchObject({ status: 'ok' });
  });

  test('its errors are caught by class and code', async () => {
    const { published, reply } = await client.execute("await hyperion.openModel('/nowhere/at/all')");
    expect(reply.content).toMatchObject({ status: 'error', ename: 'HyperionError' });
    expect(published.some(({ header }) => header.msg_type === 'display_data')).toBe(true);
  });

  test('members of the package are completed', async () => {
    const code = 'hyperion.';
    const { content } = await client.request('complete_request', { code, cursor_pos: code.length });
    expect(content.matches).toEqual(
      expect.arrayContaining(['openModel', 'display', 'parseSize', 'HyperionError']),
    );
  });

  test('a package that is not there is an error that names it', async () => {
    const { reply } = await client.execute("import nothing from 'no-such-package';");
    expect(reply.content.evalue).toContain("Cannot find module 'no-such-package'");
  });
});

test('files beside the notebook are imported, with their types', async () => {
  const file = join(folder, 'helper.ts');
  writeFileSync(
    file,
    'export const answer: number = 41;\nexport function twice(n: number) { return n * 2; }\n',
  );
  const { published } = await client.execute("import { answer, twice } from './helper'; twice(answer)");
  expect(result(published)).toBe('82');
  expect((await client.execute("twice('text')")).reply.content.ename).toBe('TypeScriptError');
});

test('prints of a module beside the notebook reach the cell', async () => {
  writeFileSync(join(folder, 'prints.ts'), "export function print() { console.log('from a file'); }\n");
  const { published } = await client.execute("import { print } from './prints'; print();");
  expect(printed(published)).toBe('from a file\n');
});

test('errors in files beside the notebook are in their own lines', async () => {
  const lines = [
    'interface Unused {',
    '  a: string;',
    '}',
    '',
    'export function fails(): never {',
    "  throw new Error('in a file');",
    '}',
  ];
  writeFileSync(join(folder, 'fails.ts'), lines.join('\n'));
  const { published, reply } = await client.execute("import { fails } from './fails';\nfails();");
  const traceback = stripVTControlCharacters(
    (contents(published, 'error')[0]!.traceback as string[]).join('\n'),
  );
  expect(traceback).toContain('at fails (fails.ts:6:9)');
  expect(traceback).toContain(`at cell [${reply.content.execution_count}]:2:`);
  expect(traceback).toContain("> 6 |   throw new Error('in a file');");
});

test('a module that was missing is found once it is there', async () => {
  const code = "import { late } from './late'; late";
  expect((await client.execute(code)).reply.content.evalue).toContain('TS2307');
  writeFileSync(join(folder, 'late.ts'), 'export const late = 5;');
  expect(result((await client.execute(code)).published)).toBe('5');
});

test('a file that changed is read again', async () => {
  const file = join(folder, 'changing.ts');
  writeFileSync(file, 'export const version = 1;');
  const code = "import { version } from './changing'; version";
  expect(result((await client.execute(code)).published)).toBe('1');
  writeFileSync(file, 'export const version = 22222;');
  await expect
    .poll(async () => result((await client.execute(code)).published), { timeout: 20_000 })
    .toBe('22222');
});
