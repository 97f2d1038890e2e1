/** The arrows of the design: who may import whom, read from the imports and includes themselves. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const ROOT = join(__dirname, '../..');

/** Leaves: anyone imports them, and they import each other alone. */
const LEAVES = ['errors', 'units', 'checks', 'io', 'root'];
const BELOW_INFERENCE = ['scheduling', 'loading', 'precision', 'pruning'];

/** part of the TypeScript tree -> parts that it may import, beside itself and the leaves */
const TYPESCRIPT: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(LEAVES.map((leaf) => [leaf, []])),
  native: [],
  display: [],
  monitoring: ['native', 'display'],
  memory: ['monitoring', 'native', 'display'],
  model: ['memory', 'monitoring', 'native', 'display'],
  ...Object.fromEntries(
    BELOW_INFERENCE.map((part) => [part, ['model', 'memory', 'monitoring', 'native', 'display']]),
  ),
  inference: [...BELOW_INFERENCE, 'model', 'memory', 'monitoring', 'native', 'display'],
  experiment: ['inference', ...BELOW_INFERENCE, 'model', 'memory', 'monitoring', 'native', 'display'],
  cli: ['experiment', 'inference', ...BELOW_INFERENCE, 'model', 'memory', 'monitoring', 'native', 'display'],
  index: [
    'experiment',
    'cli',
    'inference',
    ...BELOW_INFERENCE,
    'model',
    'memory',
    'monitoring',
    'native',
    'display',
  ],
  kernel: ['index', 'display'],
};

/** Display takes plain data: of the leaves it knows how to write sizes and times, no more. */
const DISPLAY_LEAVES = ['units'];

/** C++, from top to bottom: each may include those that come after it. */
const NATIVE_ORDER = [
  'bench',
  'addon',
  'inference',
  'scheduling',
  'loading',
  'model',
  'memory',
  'monitoring',
  'platform',
  'base',
];
/** These stand beside that order, on `base`, and serve the parts named. */
const NATIVE_BESIDE: Readonly<Record<string, readonly string[]>> = {
  compute: ['addon', 'inference', 'scheduling', 'loading', 'model', 'precision', 'pruning'],
  precision: ['addon', 'inference', 'loading', 'model'],
  pruning: ['addon', 'inference', 'loading', 'model'],
};

type Edge = { from: string; to: string };

function filesUnder(
  folder: string,
  pattern: RegExp,
  skip = /^(node_modules|build.*|labextension|lab)$/,
): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skip.test(entry.name) ? [] : filesUnder(path, pattern, skip);
    return pattern.test(entry.name) ? [path] : [];
  });
}

/** Imports of files of the project; `import type`, `export … from`, `import()` and `require()` included. */
function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(ROOT, file), 'utf8'), true, true);
  const local = importedFiles.filter(({ fileName }) => fileName.startsWith('.'));
  return local.map(({ fileName }) =>
    resolveImport(normalize(join(dirname(file), fileName.replace(/\.js$/, '')))),
  );
}

function resolveImport(path: string): string {
  const candidates = [`${path}.ts`, join(path, 'index.ts'), path];
  return candidates.find((candidate) => typescriptFiles.includes(candidate)) ?? path;
}

function includesOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)].map((match) => join('native', match[1]!));
}

const typescriptFiles = ['src', 'kernel'].flatMap((folder) => filesUnder(folder, /\.ts$/));
const nativeFiles = filesUnder('native', /\.(h|cc)$/);
const imports: Edge[] = typescriptFiles.flatMap((from) => importsOf(from).map((to) => ({ from, to })));
const includes: Edge[] = nativeFiles.flatMap((from) => includesOf(from).map((to) => ({ from, to })));

/** `src/model/config.ts` -> `model`, `src/native.ts` -> `native`, `kernel/wire/x.ts` -> `kernel` */
function part(file: string): string {
  const [top, next] = file.split('/');
  return top === 'kernel' ? 'kernel' : next!.replace(/\.ts$/, '');
}

function show({ from, to }: Edge): string {
  return `${from} -> ${to}`;
}

describe('TypeScript', () => {
  test('every part has a place among the arrows', () => {
    const parts = new Set(typescriptFiles.map(part));
    expect([...parts].filter((name) => !(name in TYPESCRIPT))).toEqual([]);
    expect(imports.length).toBeGreaterThan(100);
  });

  test('imports point down', () => {
    const allowed = ({ from, to }: Edge) => {
      const [importer, imported] = [part(from), part(to)];
      if (importer === imported) return true;
      if (importer === 'display') return DISPLAY_LEAVES.includes(imported);
      return LEAVES.includes(imported) || TYPESCRIPT[importer]!.includes(imported);
    };
    expect(imports.filter((edge) => !allowed(edge)).map(show)).toEqual([]);
  });

  test('imports name files that exist', () => {
    expect(
      imports.filter(({ to }) => !typescriptFiles.includes(to) && !/\.(json|mjs)$/.test(to)).map(show),
    ).toEqual([]);
  });

  test('no file imports itself through others', () => {
    expect(cycles(imports)).toEqual([]);
  });

  test('only native.ts loads the addon', () => {
    const loaders = typescriptFiles.filter((file) =>
      /hyperion\.node|dlopen/.test(readFileSync(join(ROOT, file), 'utf8')),
    );
    expect(loaders).toEqual(['src/native.ts']);
  });
});

describe('C++', () => {
  const folder = (file: string) => file.split('/')[1]!;

  test('every folder has a place among the arrows', () => {
    const known = [...NATIVE_ORDER, ...Object.keys(NATIVE_BESIDE)];
    expect([...new Set(nativeFiles.map(folder))].filter((name) => !known.includes(name))).toEqual([]);
    expect(includes.length).toBeGreaterThan(50);
  });

  test('includes point down', () => {
    const allowed = ({ from, to }: Edge) => {
      const [importer, imported] = [folder(from), folder(to)];
      if (importer === imported || imported === 'base') return true;
      if (imported in NATIVE_BESIDE) return NATIVE_BESIDE[imported]!.includes(importer);
      return importer in NATIVE_BESIDE
        ? false
        : NATIVE_ORDER.indexOf(importer) < NATIVE_ORDER.indexOf(imported);
    };
    expect(includes.filter((edge) => !allowed(edge)).map(show)).toEqual([]);
  });

  test('includes name files that exist', () => {
    expect(includes.filter(({ to }) => !nativeFiles.includes(to)).map(show)).toEqual([]);
  });

  test('no file includes itself through others', () => {
    expect(cycles(includes)).toEqual([]);
  });

  test('calls to the operating system are in platform alone', () => {
    const system = /^\s*#\s*include\s+<(sys\/|unistd|fcntl|linux\/|mach|pthread|sched|io_uring|windows)/m;
    const outside = nativeFiles.filter((file) => folder(file) !== 'platform');
    expect(outside.filter((file) => system.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
  });
});

test('the search for cycles finds one', () => {
  const edges = ['a b', 'b c', 'c a', 'c d', 'd e']
    .map((edge) => edge.split(' '))
    .map(([from, to]) => ({ from, to }) as Edge);
  expect(cycles(edges)).toEqual(['a -> b -> c -> a']);
});

/** Each cycle of a graph once, as the path around it; by depth first search. */
function cycles(edges: readonly Edge[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file].map((name) => relative('.', name)).join(' -> '));
    if (at >= 0 || done.has(file)) return;
    for (const imported of next.get(file) ?? []) visit(imported, [...path, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  return found;
}
