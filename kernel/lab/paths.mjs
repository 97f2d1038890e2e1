// Where things are. Everything that set-up makes lies inside the project; nothing goes to the user's home.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** @param {...string} parts */
export const inProject = (...parts) => path.join(root, ...parts);

/** The project's Python environment: JupyterLab, the kernelspec and the extension are installed here. */
export const environment = inProject('.venv');
export const python = path.join(environment, 'bin', 'python');
/** Logs, stamps, executed notebooks, and what Jupyter would otherwise write to the home folder. */
export const state = inProject('.lab');
export const notebooks = inProject('notebooks');
export const firstNotebook = path.join(notebooks, '00-start.ipynb');
export const addon = inProject('native/build/Release/hyperion.node');
export const kernelMain = inProject('dist/kernel/main.js');

/** PATH with the environment's programs (jupyter-builder, cmake when it came from PyPI) in front of the system's own. */
export const searchPath = [path.join(environment, 'bin'), process.env.PATH].join(path.delimiter);

/** A path as the user would type it from where they are. @param {string} file */
export function shown(file) {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative || '.';
}
