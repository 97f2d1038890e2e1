// The tests of memory and of loading under the sanitizers: one build that watches addresses and undefined behaviour and runs ten million
// random operations over all memory resources, and one that watches threads.
import fs from 'node:fs';
import path from 'node:path';
import { testRequirements } from './checks.mjs';
import { setUp } from './lab.mjs';
import { inProject, shown } from './paths.mjs';
import { logFile, run, SetupError, tail } from './process.mjs';
import { Progress } from './progress.mjs';
import { compileInParallel, setupSteps } from './setup.mjs';
import { report } from './steps.mjs';

/**
 * @typedef {object} Sanitizer
 * @property {string} name what cmake calls it
 * @property {string} watches
 * @property {string} folder of its build
 * @property {NodeJS.ProcessEnv} env
 *
 * @typedef {{ passed: number, failed: number }} Counts
 */

/** @type {Sanitizer[]} */
const sanitizers = [
  {
    name: 'address',
    watches: 'addresses and undefined behaviour',
    folder: inProject('native/build-asan'),
    env: { HYPERION_STRESS_OPERATIONS: '10000000' },
  },
  {
    name: 'thread',
    watches: 'threads',
    folder: inProject('native/build-tsan'),
    // Long runs of what one thread uses at a time tell nothing here.
    env: { GTEST_FILTER: '-*Replay*:BlockTable.*:Dynamic.*:*WithstandsAnyLongSequence*' },
  },
];

/** From builds to exit code; the last line is `N passed, N failed`. @returns {Promise<number>} */
export async function testUnderSanitizers() {
  /** @type {Counts[]} */
  let counts = [{ passed: 0, failed: 1 }];
  try {
    await setUp('Hyperion Lab: tests under sanitizers', buildSteps());
    const progress = new Progress();
    counts = await Promise.all(sanitizers.map((sanitizer) => runTests(sanitizer, progress)));
  } catch (error) {
    report(error);
  }
  const passed = counts.reduce((sum, count) => sum + count.passed, 0);
  const failed = counts.reduce((sum, count) => sum + count.failed, 0);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** @returns {import('./steps.mjs').Step[]} */
function buildSteps() {
  const requirements = testRequirements();
  // The environment brings cmake where the machine has none.
  const before = setupSteps(requirements).filter(({ name }) =>
    [requirements.name, 'environment'].includes(name),
  );
  const builds = sanitizers.map(({ name, watches, folder }) => ({
    name: `sanitizer-${name}`,
    title: `compiling: ${watches}`,
    after: before.map((step) => step.name),
    inputs: ['native', 'test/native'],
    outputs: [path.join(folder, 'hyperion_memory_tests')],
    mend: `rm -rf ${shown(folder)} && npm run test:sanitizers`,
    run: async (/** @type {string} */ log) => {
      const options = ['-DHYPERION_TESTS=ON', `-DHYPERION_SANITIZE=${name}`];
      await run(log, 'cmake', ['-S', inProject('native'), '-B', folder, ...options]);
      const build = ['--build', folder, '--target', 'hyperion_memory_tests'];
      await run(log, 'cmake', build, { env: compileInParallel });
    },
  }));
  return [...before, ...builds];
}

/** @param {Sanitizer} sanitizer @param {Progress} progress @returns {Promise<Counts>} */
async function runTests({ name, watches, folder, env }, progress) {
  const log = logFile(`sanitizer-${name}-tests`);
  const results = path.join(folder, 'results.json');
  for (const file of [log, results]) fs.rmSync(file, { force: true });
  const end = progress.begin(`running: ${watches}`);
  try {
    const options = ['--gtest_brief=1', `--gtest_output=json:${results}`];
    await run(log, path.join(folder, 'hyperion_memory_tests'), options, { env });
    end('done');
    return countTests(results);
  } catch (error) {
    end('failed');
    const mend = mendOf(tail(log));
    if (mend && error instanceof SetupError) error.mend = mend;
    report(error);
    // A report at the end of the process, of leaks for one, comes after tests that have all passed.
    const { passed, failed } = countTests(results);
    return { passed, failed: Math.max(failed, 1) };
  }
}

/** A test that was skipped counts as failed; a process that ended early has no results. @param {string} results @returns {Counts} */
function countTests(results) {
  if (!fs.existsSync(results)) return { passed: 0, failed: 1 };
  /** @type {{ testsuites: { testsuite: { result: string, failures?: unknown[] }[] }[] }} */
  const { testsuites } = JSON.parse(fs.readFileSync(results, 'utf8'));
  const tests = testsuites.flatMap(({ testsuite }) => testsuite);
  const passed = tests.filter(({ result, failures }) => result === 'COMPLETED' && !failures).length;
  return { passed, failed: tests.length - passed };
}

/** @param {string} output */
function mendOf(output) {
  // Address spaces that are laid out more at random than the compiler's sanitizer expects.
  if (output.includes('unexpected memory mapping')) return 'sudo sysctl vm.mmap_rnd_bits=28';
  return undefined;
}
