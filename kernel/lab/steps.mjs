// Runs the steps of set-up: each after those it builds on, side by side where it can, and not at all when nothing changed.
import fs from 'node:fs';
import path from 'node:path';
import { root, shown } from './paths.mjs';
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
  for (const step of steps) {
    const before = (step.after ?? []).map((name) => done.get(name));
    done.set(
      step.name,
      Promise.all(before).then(() => isStale(step, stamps) && runStep(step, stamps, progress)),
    );
  }
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

/** @param {Step} step @param {Stamps} stamps @param {Progress} progress */
async function runStep(step, stamps, progress) {
  const end = progress.begin(step.title);
  const before = stampOfStep(step); // an input that is edited while the step runs makes it stale again
  const log = logFile(step.name);
  fs.rmSync(log, { force: true });
  try {
    await step.run(log);
    for (const file of step.outputs ?? []) {
      if (!fs.existsSync(file))
        throw new SetupError(`${step.title}: ${path.relative(root, file)} was not made. Log: ${shown(log)}`);
    }
    stamps.set(step.name, before);
    end(true);
    return true;
  } catch (error) {
    end(false);
    if (error instanceof SetupError) error.mend ??= step.mend;
    throw error;
  }
}
