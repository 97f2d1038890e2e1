// Child processes whose output goes to a log file, of which the tail is shown only when something fails.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { root, searchPath, shown, state } from './paths.mjs';

/** A failure with a sentence for the user, the command that mends it, and the end of the log that tells more. */
export class SetupError extends Error {
  /** @param {string} message @param {{ mend?: string, log?: string }} [more] */
  constructor(message, more = {}) {
    super(message);
    this.mend = more.mend;
    this.log = more.log;
  }
}

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/** Ends what `run` started and has not ended: called when another step has failed, or on a signal. */
export function endChildren() {
  for (const child of running) child.kill('SIGTERM');
}

/** @param {string} name */
export function logFile(name) {
  fs.mkdirSync(path.join(state, 'log'), { recursive: true });
  return path.join(state, 'log', `${name}.log`);
}

/**
 * Runs a program to its end, its output appended to `log`. Throws SetupError when it fails.
 * @param {string} log @param {string} command @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
export async function run(log, command, args, options = {}) {
  const output = fs.openSync(log, 'a');
  fs.writeSync(output, `$ ${command} ${args.join(' ')}\n`);
  const child = spawn(command, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, PATH: searchPath, ...options.env },
    stdio: ['ignore', output, output],
  });
  running.add(child);
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', (error) =>
        reject(new SetupError(`${command} could not be started: ${error.message}`)),
      );
      child.once('close', (status, signal) => resolve(signal ?? status));
    });
    if (code !== 0)
      throw new SetupError(`${path.basename(command)} ended with ${code}. All of its output: ${shown(log)}`, {
        log,
      });
  } finally {
    running.delete(child);
    fs.closeSync(output);
  }
}

/**
 * What a quick program prints, or undefined when it is absent or fails.
 * @param {string} command @param {string[]} args @param {{ input?: string, env?: NodeJS.ProcessEnv }} [options]
 */
export function ask(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 30_000, ...options });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** The last lines of a log. @param {string} file @param {number} lines */
export function tail(file, lines = 25) {
  if (!fs.existsSync(file)) return '';
  return fs.readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
