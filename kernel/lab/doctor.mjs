// What Hyperion Lab needs and what of it is there, each with the one command that mends it. Changes nothing.
// As a program: node doctor.mjs [--json]; exit code 1 when something needed is missing.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { kernelspecFolder } from './kernelspec.mjs';
import { nodeProblem } from './node-version.mjs';
import { addon, environment, inProject, kernelMain, python, root } from './paths.mjs';
import { ask } from './process.mjs';
import {
  findChromium,
  findCmake,
  findCompiler,
  findPython,
  mendCommand,
  missingToStart,
  missingToTest,
} from './requirements.mjs';
import { installedLabextension } from './setup.mjs';

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {'ok' | 'missing' | 'note'} state missing: Hyperion Lab does not run without it; note: it does
 * @property {string} value
 * @property {string} [mend]
 */

/** @returns {Check[]} */
export function examine() {
  return [...programs(), ...project(), ...machine()];
}

/** @returns {Check[]} */
function programs() {
  const node = nodeProblem();
  const toStart = missingToStart();
  const toTest = missingToTest();
  const found = [
    ['Python', described(findPython())],
    ['C++ compiler', findCompiler()],
    ['cmake', described(findCmake()) ?? 'from PyPI, in .venv'],
    ['Chromium (tests)', findChromium()],
  ];
  return [
    { name: 'Node', state: node ? 'missing' : 'ok', value: node?.what ?? process.version, mend: node?.mend },
    ...found.flatMap(([name, value]) => (value ? [/** @type {Check} */ ({ name, state: 'ok', value })] : [])),
    ...toStart.map(
      (one) =>
        /** @type {Check} */ ({
          name: 'needed',
          state: 'missing',
          value: one.what,
          mend: mendCommand([one]),
        }),
    ),
    ...toTest.map(
      (one) =>
        /** @type {Check} */ ({
          name: 'for npm test',
          state: 'note',
          value: one.what,
          mend: mendCommand([one]),
        }),
    ),
  ];
}

/** What `npm start` makes. @returns {Check[]} */
function project() {
  const engine = ask(process.execPath, ['-p', `JSON.stringify(require(${JSON.stringify(addon)}).cpu())`]);
  const version = "import importlib.metadata as m; print(m.version('jupyterlab'))";
  const spec = path.join(kernelspecFolder(environment), 'kernel.json');
  return [
    made('npm packages', inProject('node_modules/.package-lock.json')),
    made('TypeScript', kernelMain),
    engineCheck(engine !== undefined),
    ...(engine ? [instructionSet(JSON.parse(engine))] : []),
    withValue(made('JupyterLab', python), ask(python, ['-c', version])),
    made('kernelspec', spec),
    made('JupyterLab extension', path.join(installedLabextension, 'package.json')),
  ];
}

/** @returns {Check[]} */
function machine() {
  const disk = fs.statfsSync(root);
  const limit = memoryLimit();
  return [
    note('cores', String(os.availableParallelism())),
    note(
      'memory',
      `${gibibytes(os.totalmem())}${limit ? `, limited to ${gibibytes(limit)} by a control group` : ''}`,
    ),
    note('free disk', gibibytes(disk.bavail * disk.bsize)),
    ...hugePages(),
  ];
}

/** @param {string} name @param {string} file @returns {Check} */
function made(name, file) {
  if (fs.existsSync(file)) return { name, state: 'ok', value: path.relative(root, file) };
  return { name, state: 'missing', value: `${path.relative(root, file)} is not there`, mend: 'npm start' };
}

/** @param {boolean} loads @returns {Check} */
function engineCheck(loads) {
  const check = made('engine', addon);
  if (check.state !== 'ok' || loads) return check;
  return {
    ...check,
    state: 'missing',
    value: `${check.value} does not load`,
    mend: 'rm -rf native/build && npm start',
  };
}

/** @param {Check} check @param {string | undefined} value */
const withValue = (check, value) => (check.state === 'ok' && value ? { ...check, value } : check);

/** @param {string} name @param {string} value @returns {Check} */
const note = (name, value) => ({ name, state: 'ok', value });

/** @param {{ instructionSet: string, features: string[] }} cpu */
const instructionSet = (cpu) => note('instruction set', `${cpu.instructionSet} (${cpu.features.join(' ')})`);

/** Transparent huge pages: the engine reads weights at about half the speed without them. @returns {Check[]} */
function hugePages() {
  const file = '/sys/kernel/mm/transparent_hugepage/enabled';
  if (!fs.existsSync(file)) return [];
  const chosen = fs.readFileSync(file, 'utf8').match(/\[(\w+)\]/)?.[1] ?? 'unknown';
  if (chosen !== 'never') return [note('huge pages', chosen)];
  return [
    {
      name: 'huge pages',
      state: 'note',
      value: 'never: weights are read more slowly',
      mend: `echo madvise | sudo tee ${file}`,
    },
  ];
}

/** The memory limit of the control group, version 2 or 1, in bytes, when there is one. */
function memoryLimit() {
  const files = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'];
  const limit = Number(
    files.filter((file) => fs.existsSync(file)).map((file) => fs.readFileSync(file, 'utf8').trim())[0],
  );
  return limit < os.totalmem() ? limit : undefined;
}

/** @param {{ command: string, version: number[] } | undefined} program */
const described = (program) => program && `${program.version.join('.')} (${program.command})`;

/** @param {number} bytes */
const gibibytes = (bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const checks = examine();
  if (process.argv.includes('--json')) console.log(JSON.stringify(checks, null, 2));
  else {
    const mark = { ok: '✓', missing: '✗', note: '·' };
    for (const { name, state, value, mend } of checks) {
      console.log(
        `  ${mark[state]} ${name.padEnd(22)} ${value}${mend && state !== 'ok' ? `\n${' '.repeat(27)}mend: ${mend}` : ''}`,
      );
    }
  }
  process.exitCode = checks.some(({ state }) => state === 'missing') ? 1 : 0;
}
