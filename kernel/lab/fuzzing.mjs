// Fuzzing: of the TypeScript readers by the program in test/fuzz, and of the engine's bounds checks by libFuzzer, which clang brings.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { testRequirements } from './checks.mjs';
import { setUp } from './lab.mjs';
import { inProject, root } from './paths.mjs';
import { run, SetupError } from './process.mjs';
import { compileInParallel, setupSteps } from './setup.mjs';
import { report } from './steps.mjs';

const folder = inProject('native/build-fuzz');
const output = inProject('test/output/fuzz');
const fuzzers = ['model_fuzz', 'graph_fuzz'];
const help = `npm run fuzz [-- OPTIONS]

Opens mutated files by the million, within limits of time and memory; what fails is told, made small, and kept in test/output/fuzz.
  --inputs N          for each reader (default: 1000000)
  --reader NAME...    some of them: safetensors, sharded, config, tokenizer, gguf, tmai, native (default: all but native, which needs clang)
  --seed S            equal seeds make equal inputs (default: 1)
`;

/** From arguments to exit code. @param {string[]} args @returns {Promise<number>} */
export async function fuzz(args) {
  try {
    const options = parse(args);
    if (options.help) {
      console.log(help);
      return 0;
    }
    const readers = options.reader.filter((name) => name !== 'native');
    const isNative = options.reader.includes('native');
    const isTypeScript = readers.length > 0 || !isNative;
    await setUp('Hyperion Lab: fuzzing', [
      ...(isTypeScript ? readerSteps() : []),
      ...(isNative ? nativeSteps() : []),
    ]);
    const codes = [
      ...(isTypeScript ? [await fuzzReaders(options, readers)] : []),
      ...(isNative ? await fuzzNative(options) : []),
    ];
    return codes.every((code) => code === 0) ? 0 : 1;
  } catch (error) {
    report(error);
    return 1;
  }
}

/** @param {string[]} args */
function parse(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      inputs: { type: 'string', default: '1000000' },
      reader: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  for (const [name, value] of Object.entries({ inputs: values.inputs, seed: values.seed }))
    if (!/^\d+$/.test(value)) throw new SetupError(`--${name} ${value} is not a whole number`);
  return { ...values, reader: [...values.reader, ...positionals] };
}

/** @typedef {ReturnType<typeof parse>} Options */

/** What the readers need of the project. */
function readerSteps() {
  return setupSteps().filter(({ name }) =>
    ['requirements', 'packages', 'environment', 'addon', 'typescript'].includes(name),
  );
}

/** @returns {import('./steps.mjs').Step[]} */
function nativeSteps() {
  const requirements = testRequirements();
  return [
    requirements,
    {
      name: 'fuzzers',
      title: 'compiling: fuzzers of the engine',
      after: [requirements.name],
      inputs: ['native', 'test/native'],
      outputs: fuzzers.map((name) => path.join(folder, name)),
      mend: `apt-get install clang, then rm -rf native/build-fuzz && npm run fuzz -- --reader native`,
      run: async (log) => {
        const options = ['-DHYPERION_FUZZ=ON', '-DCMAKE_CXX_COMPILER=clang++'];
        await run(log, 'cmake', ['-S', inProject('native'), '-B', folder, ...options]);
        await run(log, 'cmake', ['--build', folder], { env: compileInParallel });
      },
    },
  ];
}

/** @param {Options} options @param {string[]} readers */
function fuzzReaders({ inputs, seed }, readers) {
  const reader = readers.length > 0 ? ['--reader', ...readers] : [];
  return exitOf(process.execPath, [
    inProject('dist/test/fuzz/main.js'),
    ...['--inputs', inputs, '--seed', seed, ...reader],
  ]);
}

/** One after the other; what libFuzzer keeps lies beside its program for the next time. @param {Options} options */
async function fuzzNative({ inputs, seed }) {
  const codes = [];
  fs.mkdirSync(output, { recursive: true });
  for (const name of fuzzers) {
    console.log(`${name}: ${inputs} inputs, seed ${seed}`);
    const corpus = path.join(folder, `${name}-corpus`);
    fs.mkdirSync(corpus, { recursive: true });
    const limits = ['-timeout=1', '-rss_limit_mb=1024', '-malloc_limit_mb=64'];
    const how = [
      `-runs=${inputs}`,
      `-seed=${seed}`,
      '-print_final_stats=1',
      '-print_funcs=0',
      '-verbosity=0',
    ];
    const prefix = `-artifact_prefix=${output}/${name}-`;
    codes.push(await exitOf(path.join(folder, name), [...how, ...limits, prefix, corpus]));
  }
  return codes;
}

/** @param {string} program @param {string[]} args @returns {Promise<number>} */
async function exitOf(program, args) {
  const child = spawn(program, args, { cwd: root, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  return code ?? 1;
}
