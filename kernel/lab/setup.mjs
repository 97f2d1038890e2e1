// The steps from a fresh clone to a project that runs. What each of them makes stays inside the project.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { installKernelspec, kernelspecFolder } from './kernelspec.mjs';
import { addon, environment, inProject, kernelMain, python } from './paths.mjs';
import { run } from './process.mjs';
import { demand, findCmake, findPython, missingToStart, programPaths } from './requirements.mjs';

/** @typedef {import('./steps.mjs').Step} Step */

const cmakeFromPypi = 'cmake==4.4.4';
const labextension = inProject('kernel/labextension/dist');
export const installedLabextension = path.join(
  environment,
  'share/jupyter/labextensions/hyperion-lab-extension',
);
const jupyterSettings = path.join(environment, 'share/jupyter/lab/settings/overrides.json');

/** For cmake: make, unlike ninja, would compile one file after the other. */
export const compileInParallel = { CMAKE_BUILD_PARALLEL_LEVEL: String(os.availableParallelism()) };

/**
 * What `npm start` needs. `requirements` is the step that checks the machine; the tests have a longer one.
 * @param {Step} [requirements] @returns {Step[]}
 */
export function setupSteps(requirements = requirementsStep('requirements', missingToStart)) {
  const cmakeMissing = findCmake() === undefined;
  return [
    requirements,
    {
      name: 'packages',
      title: 'npm packages',
      after: [requirements.name],
      inputs: ['package-lock.json'],
      outputs: [inProject('node_modules/.package-lock.json')],
      mend: 'npm install',
      // Not `npm ci`: it refuses a lockfile without the entries of packages for other platforms, which a registry
      // mirror may lack. The versions are the lockfile's all the same.
      run: (log) => run(log, 'npm', ['install', '--no-save', '--no-audit', '--no-fund']),
    },
    {
      name: 'environment',
      title: cmakeMissing ? 'Python environment, cmake' : 'Python environment',
      after: [requirements.name],
      inputs: ['kernel/lab/requirements.txt'],
      values: () => [String(cmakeMissing)],
      outputs: [python, path.join(environment, 'bin/jupyter-lab')],
      mend: 'rm -rf .venv && npm start',
      run: async (log) => {
        await run(log, findPython()?.command ?? 'python3', ['-m', 'venv', '--clear', environment]);
        const packages = [
          '-r',
          inProject('kernel/lab/requirements.txt'),
          ...(cmakeMissing ? [cmakeFromPypi] : []),
        ];
        const install = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input'];
        await run(log, python, [...install, ...packages]);
      },
    },
    {
      name: 'addon',
      title: 'engine (C++)',
      after: cmakeMissing ? ['packages', 'environment'] : ['packages'],
      inputs: ['native', 'package-lock.json'],
      outputs: [addon],
      mend: 'rm -rf native/build && npm start',
      run: (log) => run(log, 'npm', ['run', 'build:native'], { env: compileInParallel }),
    },
    {
      name: 'typescript',
      title: 'TypeScript',
      after: ['packages'],
      inputs: ['src', 'kernel', 'test/fuzz', 'tsconfig.json', 'package-lock.json'],
      outputs: [kernelMain],
      mend: 'npm run build',
      run: (log) => run(log, 'npm', ['run', 'build']),
    },
    {
      name: 'labextension',
      title: 'JupyterLab extension',
      after: ['packages'],
      inputs: ['kernel/labextension'],
      outputs: [path.join(labextension, 'package.json')],
      mend: 'cd kernel/labextension && npm ci && npm run build',
      run: async (log) => {
        const cwd = path.dirname(labextension);
        await run(log, 'npm', ['ci', '--no-audit', '--no-fund'], { cwd });
        await run(log, 'npm', ['run', 'build'], { cwd });
      },
    },
    {
      name: 'jupyter',
      title: 'kernel in JupyterLab',
      after: ['environment', 'labextension'],
      inputs: ['kernel/resources'],
      values: () => [process.execPath],
      outputs: [
        path.join(kernelspecFolder(environment), 'kernel.json'),
        installedLabextension,
        jupyterSettings,
      ],
      run: () => {
        installKernelspec(environment);
        linkLabextension();
        writeJupyterSettings();
      },
    },
  ];
}

/** @param {string} name @param {() => import('./requirements.mjs').Missing[]} missing @returns {Step} */
export const requirementsStep = (name, missing) => ({
  name,
  title: 'requirements',
  values: () => [process.version, ...programPaths()],
  run: () => demand(missing()),
});

/** A link, so that a rebuilt extension is there at once. */
function linkLabextension() {
  fs.mkdirSync(path.dirname(installedLabextension), { recursive: true });
  fs.rmSync(installedLabextension, { recursive: true, force: true });
  fs.symlinkSync(labextension, installedLabextension);
}

/** JupyterLab's own settings, as this project wants them at first; what the user changes later goes to .lab. */
function writeJupyterSettings() {
  fs.mkdirSync(path.dirname(jupyterSettings), { recursive: true });
  const quiet = { fetchNews: 'false', checkForUpdates: false };
  fs.writeFileSync(
    jupyterSettings,
    `${JSON.stringify({ '@jupyterlab/apputils-extension:notification': quiet }, null, 2)}\n`,
  );
}
