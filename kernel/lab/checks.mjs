// What `npm test` does once Node is known to be new enough.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setUp } from './lab.mjs';
import { inProject, root } from './paths.mjs';
import { run } from './process.mjs';
import { findChromium, missingToStart, missingToTest } from './requirements.mjs';
import { compileInParallel, requirementsStep, setupSteps } from './setup.mjs';
import { report } from './steps.mjs';

const build = inProject('native/build');

/** Everything from vitest's arguments to its exit code. @param {string[]} args @returns {Promise<number>} */
export async function test(args) {
  try {
    await setUp('Hyperion Lab: tests', testSteps());
  } catch (error) {
    report(error);
    return 1;
  }
  const vitest = spawn(process.execPath, [inProject('node_modules/vitest/vitest.mjs'), 'run', ...args], {
    cwd: root,
    env: { ...process.env, CHROMIUM_PATH: findChromium() },
    stdio: 'inherit',
  });
  const [code] = await once(vitest, 'exit');
  return code ?? 1;
}

/** What the machine must bring for every kind of test. */
export const testRequirements = () =>
  requirementsStep('test-requirements', () => [...missingToStart(), ...missingToTest()]);

/** @returns {import('./steps.mjs').Step[]} */
function testSteps() {
  return [
    ...setupSteps(testRequirements()),
    {
      name: 'native-tests',
      title: 'tests of the engine (C++)',
      after: ['addon'],
      inputs: ['native', 'test/native'],
      outputs: [path.join(build, 'hyperion_tests')],
      mend: 'rm -rf native/build && npm test',
      // Where the addon was built: the engine is the same.
      run: async (log) => {
        await run(log, 'cmake', ['-S', inProject('native'), '-B', build, '-DHYPERION_TESTS=ON']);
        const target = ['--build', build, '--target', 'hyperion_tests'];
        await run(log, 'cmake', target, { env: compileInParallel });
      },
    },
  ];
}
