/**
 * A process that fuzzes one reader, or opens one input alone. It says when it is warm, waits until its memory is limited, and then
 * begins; whoever started it watches its time.
 */
import { Coverage } from './coverage';
import { type Failure, type FuzzResult, fuzz } from './fuzz';
import { judge } from './judge';
import { type Input, Workspace } from './workspace';

export interface Task {
  readonly reader: string;
  readonly root: string;
  readonly seed: number;
  readonly inputs: number;
  /** what earlier processes kept */
  readonly corpus: readonly StoredInput[];
  /** whether coverage says which inputs to keep */
  readonly guided: boolean;
  /** open this one alone instead */
  readonly only?: StoredInput;
}

/** An input as a message and a file carry it. */
export interface StoredInput {
  readonly seed: number;
  /** base64 */
  readonly bytes: string;
}

export type Message =
  | { readonly kind: 'ready' }
  | { readonly kind: 'kept'; readonly input: StoredInput }
  | { readonly kind: 'batch'; readonly done: number; readonly kept: number }
  | { readonly kind: 'failure'; readonly input: StoredInput; readonly problem: string }
  | { readonly kind: 'end'; readonly slowestMs: number; readonly failures: [string, number][] };

export const store = ({ seed, bytes }: Input): StoredInput => ({
  seed,
  bytes: Buffer.from(bytes).toString('base64'),
});
export const restore = ({ seed, bytes }: StoredInput): Input => ({
  seed,
  bytes: Buffer.from(bytes, 'base64'),
});

/** Openings of the valid inputs, so that what is loaded and compiled once is there before memory is limited. */
const WARM_UPS = 50;

async function work(task: Task): Promise<void> {
  // Begun before the readers are loaded: code that is compiled earlier has no counters in it.
  const coverage = task.guided ? new Coverage() : null;
  const { READERS } = await import('./readers/index.js');
  const { PLANTED } = await import('./readers/planted.js');
  const reader = [...READERS, ...PLANTED].find(({ name }) => name === task.reader)!;
  const workspace = Workspace.create(reader, task.root);
  for (let i = 0; i < WARM_UPS; i += 1) for (const input of workspace.valid) await judge(workspace, input);
  const go = new Promise((resolve) => process.once('message', resolve));
  send({ kind: 'ready' });
  await go;
  if (task.only) return openAlone(workspace, restore(task.only));
  const { slowestMs, failures } = await fuzzAll(workspace, coverage, task);
  send({ kind: 'end', slowestMs, failures: [...failures] });
}

async function openAlone(workspace: Workspace, input: Input): Promise<void> {
  const { ms, problem } = await judge(workspace, input);
  if (problem) send({ kind: 'failure', input: store(input), problem });
  send({ kind: 'end', slowestMs: ms, failures: [] });
}

function fuzzAll(
  workspace: Workspace,
  coverage: Coverage | null,
  { inputs, seed, corpus }: Task,
): Promise<FuzzResult> {
  return fuzz(workspace, {
    inputs,
    seed,
    coverage,
    corpus: corpus.map(restore),
    onKept: (input) => send({ kind: 'kept', input: store(input) }),
    onFailure: ({ problem, ...input }: Failure) => send({ kind: 'failure', input: store(input), problem }),
    onBatch: (done, kept) => send({ kind: 'batch', done, kept }),
  });
}

function send(message: Message): void {
  process.send!(message);
}

if (require.main === module) {
  process.once('message', (task: Task) => {
    work(task).finally(() => process.disconnect());
  });
}
