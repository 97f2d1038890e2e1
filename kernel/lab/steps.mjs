// Runs the steps of set-up: each after those it builds on, side by side where it can, and not at all when nothing changed.
import fs from 'node:fs';
import path from 'node:path';
import { root } from './paths.mjs';
import { endChildren, logFile, SetupError, tail } from './process.mjs';
import { Progress } from './progress.mjs';
import { Stamps, stampOf } from './stamps.mjs';

/**
 * @typedef {object} Step
 * @property {string} name also the name of its log
 * @property {string} title
 * @property {string[]} [after] names of steps that must have ended
 * @property {string[]} [inputs] files and folders, relative to the project; the step is skipped while they stay the same
 * @property {() => string[]} [values] what else it depends on
 * @property {string[]} [outputs] absolute paths that exist when it is done
 * @property {string} [mend] the command that helps when it fails for a reason it does not know
 * @property {(log: string) => void | Promise<void>} run
 */

/** @param {Step} step */
export const stampOfStep = (step) => stampOf(step.inputs ?? [], step.values?.());

/**
 * Has this step to run? Yes when an output is gone, or its inputs are not those of its last success.
 * @param {Step} step @param {Stamps} stamps
 */
export function isStale(step, stamps) {
  return (
    !(step.outputs ?? []).every((file) => fs.existsSync(file)) || !stamps.has(step.name, stampOfStep(step))
  );
}

/**
 * Runs all steps; the returned names are those that had to run. Throws the first failure, after ending the others.
 * @param {Step[]} steps @param {{ stamps?: Stamps, progress?: Progress }} [options]
 */
export async function runSteps(steps, { stamps = new Stamps(), progress = new Progress() } = {}) {
  /** @type {Map<string, Promise<boolean>>} whether the step ran */
  const done = new Map();
  let failed = false;
  const perform = async (/** @type {Step} */ step) => {
    await Promise.all((step.after ?? []).map((name) => done.get(name)));
    if (failed || !isStale(step, stamps)) return false;
    const end = progress.begin(step.title);
    try {
      await runStep(step, stamps);
      end('done');
      return true;
    } catch (error) {
      end(failed ? 'ended' : 'failed');
      failed = true;
      throw error;
    }
  };
  for (const step of steps) done.set(step.name, perform(step));
  try {
    await Promise.all(done.values());
  } catch (error) {
    endChildren();
    await Promise.allSettled(done.values());
    throw error;
  }
  const ran = await Promise.all(steps.map(async ({ name }) => ((await done.get(name)) ? [name] : [])));
  return ran.flat();
}

/** Says on standard error what failed, the end of its log and what to do. @param {unknown} error */
export function report(error) {
  if (!(error instanceof SetupError)) throw error;
  if (error.log) console.error(tail(error.log).replace(/^/gm, '    │ '));
  console.error(`\n${error.message}`);
  if (error.mend) console.error(`Mend it with:  ${error.mend}`);
}

/** @param {Step} step @param {Stamps} stamps */
async function runStep(step, stamps) {
  const before = stampOfStep(step); // an input that is edited while the step runs makes it stale again
  const log = logFile(step.name);
  fs.rmSync(log, { force: true });
  try {
    await step.run(log);
  } catch (error) {
    if (error instanceof SetupError) error.mend ??= step.mend;
    throw error;
  }
  for (const file of step.outputs ?? []) {
    if (fs.existsSync(file)) continue;
    throw new SetupError(`${step.title}: ${path.relative(root, file)} was not made.`, {
      log,
      mend: step.mend,
    });
  }
  stamps.set(step.name, before);
}
