/**
 * tslab's converter and executor over an adapted TypeScript. tslab takes its compiler from Node's module cache; what
 * it finds there is a copy in which three functions are ours:
 * - createWatchCompilerHost: `hyperion-lab` and Node's types resolve from any folder, whatever is installed there;
 * - transpileModule: loops get a check (guard.ts), and a source map leads back to the user's lines;
 * - visitEachChild: shorthand properties know variables of earlier cells (shorthand.ts).
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as TS from '@tslab/typescript-for-tslab';
import { guardLoops } from './guard';
import { answerForShorthand, visitShorthandInFull } from './shorthand';
import { SourceMaps } from './source-maps';

export const PACKAGE_NAME = 'hyperion-lab';
export const packageRoot = join(__dirname, '..', '..', '..');

const requireFromTslab = createRequire(require.resolve('tslab/package.json'));
const compilerFile = requireFromTslab.resolve('@tslab/typescript-for-tslab');
export const ts = requireFromTslab(compilerFile) as typeof TS;
export const sourceMaps = new SourceMaps();

require.cache[compilerFile]!.exports = {
  ...ts,
  createWatchCompilerHost,
  transpileModule,
  visitEachChild: visitShorthandInFull(ts),
};
export const { createConverter, isCompleteCode, keepNamesInImport } = requireFromTslab(
  './dist/converter',
) as typeof import('tslab/dist/converter');
export const { createExecutor } = requireFromTslab('./dist/executor') as typeof import('tslab/dist/executor');
export const { printQuickInfo } = requireFromTslab('./dist/inspect') as typeof import('tslab/dist/inspect');

function createWatchCompilerHost(
  rootFiles: string[],
  options: TS.CompilerOptions,
  system: TS.System,
  ...rest: [undefined, TS.DiagnosticReporter, TS.WatchStatusReporter]
): unknown {
  Object.assign(options, {
    lib: ['lib.es2023.d.ts'],
    types: ['node'],
    typeRoots: [nodeTypes()],
    paths: {
      [PACKAGE_NAME]: [join(packageRoot, 'dist', 'src', 'index.d.ts')],
      // Declarations of later cells name types by file.
      [`${PACKAGE_NAME}/*`]: [join(packageRoot, '*')],
    },
    inlineSourceMap: true,
  });
  watchOnlyUserFiles(system);
  const host = ts.createWatchCompilerHost(rootFiles, options, system, ...rest);
  const { createProgram } = host;
  host.createProgram = (...program) => {
    const builder = createProgram(...program);
    answerForShorthand(ts, builder.getProgram());
    return builder;
  };
  return host;
}

// Libraries do not change in a session; polling each of their files costs start time and wakes an idle kernel.
function watchOnlyUserFiles(system: TS.System): void {
  const watchFile = system.watchFile!;
  const nothing: TS.FileWatcher = { close: () => {} };
  const isLibrary = (path: string) =>
    path.includes('/node_modules/') || path.startsWith(`${packageRoot}/dist/`);
  system.watchFile = (path, ...rest) => (isLibrary(path) ? nothing : watchFile(path, ...rest));
  system.watchDirectory = () => nothing;
}

/** The folder with types of Node: this package's own, else those that tslab depends on; never the notebook's by chance. */
function nodeTypes(): string {
  const own = join(packageRoot, 'node_modules', '@types');
  if (existsSync(join(own, 'node', 'package.json'))) return own;
  return dirname(dirname(requireFromTslab.resolve('@types/node/package.json')));
}

function transpileModule(javascript: string, { compilerOptions }: TS.TranspileOptions): TS.TranspileOutput {
  const [code, firstMap] = SourceMaps.split(javascript);
  const result = ts.transpileModule(code, {
    compilerOptions: { ...compilerOptions, sourceMap: true },
    transformers: { after: [guardLoops(ts)] },
  });
  const [outputText] = SourceMaps.split(result.outputText);
  sourceMaps.remember(outputText, [firstMap, result.sourceMapText]);
  return { ...result, outputText };
}
