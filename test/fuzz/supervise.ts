/**
 * Fuzzes one reader in a process of its own, which is held to limits of memory and time from outside. When it dies, or stands
 * still, the input that it was at is opened again in a process for that input alone, and the rest goes on in a new one.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LARGEST_MS, signatureOf } from './judge';
import type { Reader } from './reader';
import { type Message, restore, type StoredInput, store, type Task } from './worker';
import { type Input, makeRoot, Workspace } from './workspace';

/** What an input may make the process take beyond what it had, in bytes. */
const LARGEST_GROWTH = 64 * 2 ** 20;
/** An input stands still after this long. More than it may take, because its process may have to wait for a processor. */
const STILL_MS = 5 * LARGEST_MS;
const LOOK_EVERY_MS = 250;
/** More deaths, or so many before a first batch is done, and going on tells no more. */
const MOST_DEATHS = 50;
const MOST_FRUITLESS_DEATHS = 3;
/** Counting what runs takes longer than all the rest: the first inputs are guided by it, the others made from what these kept. */
const GUIDED_SHARE = 0.05;

/** The heap is collected rather than grown, so that what is live is what is limited. */
const NODE_OPTIONS = ['--max-semi-space-size=1', '--max-old-space-size=128'];

export interface Report {
  readonly done: number;
  readonly kept: number;
  readonly slowestMs: number;
  readonly seconds: number;
  readonly found: readonly Found[];
  /** deaths and stand-stills that the input alone did not bring about again */
  readonly unconfirmed: number;
}

export interface Found extends Input {
  readonly problem: string;
}

export interface Options {
  readonly inputs: number;
  readonly seed: number;
  onProgress?(done: number, kept: number): void;
}

export async function supervise(reader: Reader, { inputs, seed, onProgress }: Options): Promise<Report> {
  const began = performance.now();
  const corpus: StoredInput[] = [];
  const found: Found[] = [];
  const report = (input: Input, problem: string) => {
    const isKnown = found.some((other) => signatureOf(other.problem) === signatureOf(problem));
    if (!isKnown) found.push({ ...input, problem });
  };
  let [done, slowestMs, unconfirmed, deaths, fruitless] = [0, 0, 0, 0, 0];
  for (let part = 0; done < inputs && deaths < MOST_DEATHS && fruitless < MOST_FRUITLESS_DEATHS; part += 1) {
    const before = done;
    const guided = done < inputs * GUIDED_SHARE;
    const task = {
      ...{ reader: reader.name, seed: seed + part, corpus: [...corpus], guided },
      inputs: guided ? Math.ceil(inputs * GUIDED_SHARE) - done : inputs - done,
    };
    const death = await run(reader, task, (message) => {
      if (message.kind === 'kept') corpus.push(message.input);
      if (message.kind === 'failure') report(restore(message.input), message.problem);
      if (message.kind === 'batch') {
        done = before + message.done;
        onProgress?.(done, corpus.length);
      }
      if (message.kind === 'end') slowestMs = Math.max(slowestMs, message.slowestMs);
    });
    if (!death) continue;
    deaths += 1;
    fruitless = done > before ? 0 : fruitless + 1;
    const problem = await openAlone(reader, death.input);
    if (problem) report(death.input, problem);
    else unconfirmed += 1;
  }
  return {
    done,
    kept: corpus.length,
    slowestMs,
    seconds: (performance.now() - began) / 1000,
    found,
    unconfirmed,
  };
}

/** What is wrong with one input, seen in a fresh process under the same limits; undefined when nothing is. */
export async function openAlone(reader: Reader, input: Input): Promise<string | undefined> {
  const task = { reader: reader.name, seed: 0, inputs: 0, corpus: [], guided: false, only: store(input) };
  let problem: string | undefined;
  const death = await run(reader, task, (message) => {
    if (message.kind === 'failure') problem = message.problem;
  });
  return problem ?? death?.how;
}

interface Death {
  readonly how: string;
  readonly input: Input;
}

async function run(
  reader: Reader,
  task: Omit<Task, 'root'>,
  onMessage: (message: Message) => void,
): Promise<Death | undefined> {
  const root = makeRoot();
  try {
    const workspace = Workspace.create(reader, root);
    const child = fork(join(__dirname, 'worker.js'), {
      execArgv: NODE_OPTIONS,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    child.send({ ...task, root } satisfies Task);
    const how = await watch(child, workspace, onMessage);
    return how === undefined ? undefined : { how, input: workspace.latest() };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** How the process died, or undefined when it came to its end. */
function watch(
  child: ChildProcess,
  workspace: Workspace,
  onMessage: (message: Message) => void,
): Promise<string | undefined> {
  let [ended, still, lastLine] = [false, false, ''];
  let heardMs = Date.now();
  child.stderr!.on('data', (text) => {
    lastLine =
      String(text)
        .split('\n')
        .find((line) => /error|fatal/i.test(line)) ?? lastLine;
  });
  child.on('message', (message: Message) => {
    heardMs = Date.now();
    if (message.kind === 'ready') {
      limitMemory(child.pid!);
      child.send('go');
    } else {
      ended ||= message.kind === 'end';
      onMessage(message);
    }
  });
  const timer = setInterval(() => {
    still = Date.now() - Math.max(heardMs, workspace.latest().writtenMs) > STILL_MS;
    if (still) child.kill('SIGKILL');
  }, LOOK_EVERY_MS);
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearInterval(timer);
      if (ended) resolve(undefined);
      else resolve(still ? `stood still for ${STILL_MS} ms` : `died with ${signal ?? code}: ${lastLine}`);
    });
  });
}

/** From here on the system refuses memory beyond what the process has and may take, touched or not. Linux alone has this limit. */
function limitMemory(pid: number): void {
  if (process.platform !== 'linux') return;
  const taken = /^VmData:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  const limit = Number(taken![1]) * 1024 + LARGEST_GROWTH;
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--data=${limit}`], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`prlimit: ${stderr}`);
}
