// What the machine must bring: Python, a C++ compiler, make; for the tests also GoogleTest and Chromium.
// Each missing piece is a sentence, and together they are mended by one command of the system's package manager.
// As a program it prints that command, or nothing: .ci/run runs what it prints.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from './paths.mjs';
import { ask, SetupError } from './process.mjs';

/**
 * @typedef {object} Missing
 * @property {string} what the sentence
 * @property {Partial<Record<Manager, string>>} packages what brings it
 * @typedef {'apt-get' | 'dnf' | 'brew'} Manager
 */

const oldestPython = [3, 10];
const oldestCmake = [3, 18];
const pythons = ['python3', ...[14, 13, 12, 11, 10].map((minor) => `python3.${minor}`), 'python'];

/** The first program of these on the PATH, outside the environment that set-up makes. @param {string[]} names */
export function which(...names) {
  const ours = path.join(environment, 'bin');
  const folders = (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((folder) => folder && folder !== ours);
  return names.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(isExecutable);
}

/** Python 3.10 or later: its path and version. */
export function findPython() {
  for (const name of pythons) {
    const command = which(name);
    const version = command && versionIn(ask(command, ['--version']));
    if (version && !older(version, oldestPython)) return { command, version };
  }
  return undefined;
}

/** Where the required programs are, without starting any: while these stay, the machine need not be examined again. */
export const programPaths = () =>
  [which(...pythons), findCompiler(), which('ninja', 'make'), findChromium()].map(String);

/** The system's cmake when it is new enough; otherwise it comes from PyPI. */
export function findCmake() {
  const command = which('cmake');
  const version = command && versionIn(ask(command, ['--version']));
  return version && !older(version, oldestCmake) ? { command, version } : undefined;
}

/** The C++ compiler that cmake would take. */
export function findCompiler() {
  return process.env.CXX ? which(process.env.CXX) : which('c++', 'g++', 'clang++');
}

/** Chromium or Chrome, for the browser tests. */
export function findChromium() {
  const mac = ['Google Chrome', 'Chromium'].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);
  return (
    process.env.CHROMIUM_PATH ??
    which('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable') ??
    mac.find(isExecutable)
  );
}

/** What is missing on this machine for `npm start`. @returns {Missing[]} */
export function missingToStart() {
  /** @type {Missing[]} */
  const missing = [];
  const python = findPython();
  if (!python) {
    missing.push({
      what: `Python ${oldestPython.join('.')} or later was not found on the PATH.`,
      packages: { 'apt-get': 'python3 python3-venv', dnf: 'python3', brew: 'python' },
    });
  } else if (ask(python.command, ['-c', 'import venv, ensurepip']) === undefined) {
    missing.push({
      what: `${python.command} cannot make environments: its modules venv and ensurepip are not installed.`,
      packages: {
        'apt-get': `python${python.version.slice(0, 2).join('.')}-venv`,
        dnf: 'python3-pip',
        brew: 'python',
      },
    });
  }
  if (!findCompiler()) {
    missing.push({
      what: 'A C++ compiler (c++, g++ or clang++) was not found on the PATH.',
      packages: { 'apt-get': 'g++', dnf: 'gcc-c++' },
    });
  }
  if (!which('ninja', 'make')) {
    missing.push({
      what: 'Neither make nor ninja was found on the PATH.',
      packages: { 'apt-get': 'make', dnf: 'make' },
    });
  }
  return missing;
}

/** What is missing on this machine for `npm test`, beyond what `npm start` needs. @returns {Missing[]} */
export function missingToTest() {
  /** @type {Missing[]} */
  const missing = [];
  const compiler = findCompiler();
  const search = ['-I/opt/homebrew/include', '-I/usr/local/include'];
  const probe = '#if !__has_include(<gtest/gtest.h>)\n#error absent\n#endif\n';
  if (compiler && ask(compiler, ['-x', 'c++', '-E', ...search, '-'], { input: probe }) === undefined) {
    missing.push({
      what: 'GoogleTest (gtest/gtest.h) was not found.',
      packages: { 'apt-get': 'libgtest-dev', dnf: 'gtest-devel', brew: 'googletest' },
    });
  }
  if (!findChromium()) {
    missing.push({
      what: 'Chromium was not found on the PATH (the browser tests drive it).',
      packages: { 'apt-get': 'chromium', dnf: 'chromium', brew: '--cask chromium' },
    });
  }
  return missing;
}

/**
 * The one command that installs all of it, for the package manager that this system has.
 * @param {Missing[]} missing @param {Manager} [manager]
 */
export function mendCommand(missing, manager = packageManager()) {
  const packages = missing.flatMap(({ packages }) => (manager && packages[manager]) ?? []);
  const forAll = packages.length === missing.length;
  if (!forAll && process.platform === 'darwin') return 'xcode-select --install';
  if (!manager || !forAll) return undefined;
  const sudo = manager === 'brew' || process.getuid?.() === 0 ? '' : 'sudo ';
  const yes = manager === 'brew' ? '' : '-y ';
  return `${sudo}${manager} install ${yes}${packages.join(' ')}`;
}

/** Throws one SetupError that names everything missing. @param {Missing[]} missing */
export function demand(missing) {
  if (missing.length === 0) return;
  throw new SetupError(missing.map(({ what }) => what).join('\n'), { mend: mendCommand(missing) });
}

/** @returns {Manager | undefined} */
function packageManager() {
  const found = which('apt-get', 'dnf', 'brew');
  return found ? /** @type {Manager} */ (path.basename(found)) : undefined;
}

/** @param {string | undefined} text */
const versionIn = (text) =>
  text
    ?.match(/\d+(\.\d+)+/)?.[0]
    .split('.')
    .map(Number);

/** @param {number[]} version @param {number[]} oldest */
const older = (version, [major, minor]) => version[0] < major || (version[0] === major && version[1] < minor);

/** @param {string} file */
function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = [...missingToStart(), ...missingToTest()];
  if (missing.length > 0)
    console.log(mendCommand(missing) ?? `echo '${missing.map(({ what }) => what).join(' ')}'; false`);
}
