// The kernelspec `hyperion`: what tells Jupyter how to start the kernel. Absolute paths, so that it works from any folder.
// As a program: node kernelspec.mjs install|uninstall [--prefix DIR | --user | --sys-prefix]
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { environment, inProject, kernelMain } from './paths.mjs';

const resources = inProject('kernel/resources');

/** @param {string} prefix as in `jupyter kernelspec install --prefix` */
export const kernelspecFolder = (prefix) => path.join(prefix, 'share/jupyter/kernels/hyperion');

/** Writes the kernelspec below a prefix; the returned folder holds it. @param {string} prefix */
export function installKernelspec(prefix) {
  return writeKernelspec(kernelspecFolder(prefix));
}

/** @param {string} folder */
function writeKernelspec(folder) {
  const spec = JSON.parse(fs.readFileSync(path.join(resources, 'kernel.json'), 'utf8'));
  spec.argv = [process.execPath, kernelMain, '{connection_file}'];
  fs.rmSync(folder, { recursive: true, force: true });
  fs.cpSync(resources, folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'kernel.json'), `${JSON.stringify(spec, null, 2)}\n`);
  return folder;
}

/** Where the options put it. @param {{ prefix?: string, user?: boolean, 'sys-prefix'?: boolean }} options */
function chosenFolder(options) {
  if (Object.keys(options).length > 1)
    throw new Error('Give one of --prefix, --user and --sys-prefix, not several.');
  if (options.prefix !== undefined) return kernelspecFolder(path.resolve(options.prefix));
  if (options.user) return path.join(userDataFolder(), 'kernels/hyperion');
  return kernelspecFolder(process.env.VIRTUAL_ENV ?? process.env.CONDA_PREFIX ?? environment);
}

/** Jupyter's data folder of this user, as jupyter_core defines it. */
function userDataFolder() {
  if (process.env.JUPYTER_DATA_DIR) return process.env.JUPYTER_DATA_DIR;
  if (process.platform === 'darwin') return path.join(os.homedir(), 'Library/Jupyter');
  return path.join(process.env.XDG_DATA_HOME ?? path.join(os.homedir(), '.local/share'), 'jupyter');
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { prefix: { type: 'string' }, user: { type: 'boolean' }, 'sys-prefix': { type: 'boolean' } },
  });
  const folder = chosenFolder(values);
  if (positionals[0] === 'install') {
    console.log(`The kernel "TypeScript (Hyperion)" is installed: ${writeKernelspec(folder)}`);
  } else if (fs.existsSync(folder)) {
    fs.rmSync(folder, { recursive: true });
    console.log(`Removed ${folder}`);
  } else {
    throw new Error(`There is no kernel in ${folder}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
