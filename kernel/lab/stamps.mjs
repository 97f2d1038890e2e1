// Which steps are already done: a step's stamp is a hash of its inputs' contents, kept when the step has succeeded.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { root, state } from './paths.mjs';

const generated = new Set([
  'node_modules',
  'lib',
  'dist',
  'build',
  'build-test',
  'build-asan',
  'build-tsan',
  '__pycache__',
  '.ipynb_checkpoints',
]);

/**
 * The files below a file or folder, without what builds leave there, in a stable order.
 * @param {string} from @returns {string[]}
 */
export function filesBelow(from) {
  const entry = fs.statSync(from, { throwIfNoEntry: false });
  if (!entry) return [];
  if (!entry.isDirectory()) return [from];
  return fs
    .readdirSync(from)
    .sort()
    .filter((name) => !generated.has(name))
    .flatMap((name) => filesBelow(path.join(from, name)));
}

/**
 * @param {string[]} inputs files and folders, relative to the project
 * @param {string[]} values whatever else the result depends on
 */
export function stampOf(inputs, values = []) {
  const hash = createHash('sha256').update(JSON.stringify([root, ...values]));
  for (const file of inputs.flatMap((input) => filesBelow(path.join(root, input)))) {
    hash.update(`\0${path.relative(root, file)}\0`).update(fs.readFileSync(file));
  }
  return hash.digest('hex');
}

/** The stamps on disk. A file that cannot be read counts as none: everything is then done again. */
export class Stamps {
  constructor(file = path.join(state, 'stamps.json')) {
    this.file = file;
  }

  /** @returns {Record<string, string>} */
  #read() {
    try {
      return JSON.parse(fs.readFileSync(this.file, 'utf8'));
    } catch {
      return {};
    }
  }

  /** @param {string} step @param {string} stamp */
  has(step, stamp) {
    return this.#read()[step] === stamp;
  }

  /** @param {string} step @param {string} stamp */
  set(step, stamp) {
    fs.mkdirSync(path.dirname(this.file), { recursive: true });
    const temporary = `${this.file}.${process.pid}.tmp`;
    fs.writeFileSync(temporary, `${JSON.stringify({ ...this.#read(), [step]: stamp }, null, 2)}\n`);
    fs.renameSync(temporary, this.file);
  }
}
