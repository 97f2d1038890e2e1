/**
 * Every `@example` in src, run as it stands: names come from the public API, `'model'` stands for a small model, `'encoder'` for a small
 * encoder, and a line `expression; // value` holds the value against the expression where it is written as JavaScript. What an example
 * pulls comes from a hub on loopback that has the same model as `org/llama`.
 */
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { fixture } from './support/fixtures';
import { filesOf, HubServer } from './support/hub-server';
import { temporaryFolder } from './support/temporary';

const SRC = join(__dirname, '../src');

interface Example {
  readonly name: string;
  readonly file: string;
  readonly code: string;
}

function examplesOf(file: string): Example[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const blocks = text.matchAll(/@example\s*\n[\s*]*```ts\n([\s\S]*?)```/g);
  return [...blocks].map((block, index) => {
    const code = block[1]!.replace(/^\s*\* ?/gm, '');
    return { name: `${file} ${index + 1}`, file, code };
  });
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const examples = files.flatMap(examplesOf);

/** `expression; // value` becomes an assertion when the comment is a literal. */
function assertValues(code: string): string {
  return code.replace(
    /^([^\n]*?)([^\n;]+); \/\/ (.+)$/gm,
    (line, before: string, expression: string, value: string) => {
      const isLiteral = /^(-?\d[\d_.e+]*|'[^']*'|true|false|null|undefined|\[(-?[\d.]+|'[^']*'|, )*\])$/.test(
        value.trim(),
      );
      const isExpression =
        !/^\s*(const|let|for|await|if|return)\b|^\s*\w+ = /.test(expression) && before.trim() === '';
      return isLiteral && isExpression ? `__expect(${expression.trim()}).toEqual(${value});` : line;
    },
  );
}

const AsyncFunction = (async () => {}).constructor as new (
  ...args: string[]
) => (...args: unknown[]) => Promise<void>;

test.each(examples)('$name', async ({ file, code }) => {
  const folder = temporaryFolder();
  cpSync(fixture('llama'), join(folder, 'model'), { recursive: true });
  cpSync(fixture('bert-odd'), join(folder, 'encoder'), { recursive: true });
  if (/\bpull\(/.test(code)) await HubServer.start({ 'org/llama': filesOf(fixture('llama')) });
  const api = {
    ...(await import('../src/index')),
    ...(await import('../src/display')),
    ...(await import(join(SRC, file))),
  } as Record<string, unknown>;
  const opened: { close(): void }[] = [];
  api.openModel = async (path: string) => {
    const { openModel } = await import('../src/index');
    const model = await openModel(resolve(folder, path));
    opened.push(model);
    return model;
  };
  api.writeSample = async (options: { directory: string }) => {
    const { writeSample } = await import('../src/model/sample/write');
    return writeSample({ ...options, directory: join(folder, options.directory) } as never);
  };
  api.convert = async (input: string, output: string) => {
    const { convert } = await import('../src/index');
    return convert(join(folder, input), join(folder, output));
  };
  api.verify = async (path: string) => (await import('../src/index')).verify(join(folder, path));
  const { outputText } = ts.transpileModule(assertValues(code), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  try {
    await new AsyncFunction('__expect', ...Object.keys(api), outputText)(expect, ...Object.values(api));
  } finally {
    for (const model of opened) model.close();
  }
});

test('there are examples, and values in them are checked', () => {
  expect(examples.length).toBeGreaterThan(20);
  expect(assertValues("parseSize('64 MiB'); // 67108864")).toBe(
    "__expect(parseSize('64 MiB')).toEqual(67108864);",
  );
  expect(examples.filter(({ code }) => assertValues(code).includes('__expect')).length).toBeGreaterThan(10);
});

test('every public function and class has an example', async () => {
  const index = readFileSync(join(SRC, 'index.ts'), 'utf8');
  const exported = Object.entries(await import('../src/index')).filter(
    ([, value]) => typeof value === 'function',
  );
  const lacking = exported.map(([name]) => name).filter((name) => !hasExample(name));
  expect(index).toContain('openModel');
  expect(lacking).toEqual([]);
});

function hasExample(name: string): boolean {
  const documented = new RegExp(
    String.raw`@example(?:(?!\*/)[\s\S])*\*/\s*export (?:async )?(?:function|class) ${name}\b`,
  );
  return files.some((file) => documented.test(readFileSync(join(SRC, file), 'utf8')));
}
