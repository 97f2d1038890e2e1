/** The loop: take an input that reached something, change it, open it, and keep it if it reached something new. */
import { readdirSync } from 'node:fs';
import type { Coverage } from './coverage';
import { Dice } from './dice';
import { mutateFields } from './fields';
import { judge, signatureOf } from './judge';
import { shrink } from './shrink';
import type { Input, Workspace } from './workspace';

/** Inputs after which coverage and what is left open are looked at. */
const BATCH = 200;
const MOST_KEPT = 2000;

export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  /** null = every input is made from a valid one */
  readonly coverage: Coverage | null;
  /** what to mutate beside the valid inputs */
  readonly corpus?: readonly Input[];
  onKept?(input: Input): void;
  onFailure(failure: Failure): void;
  onBatch?(done: number, kept: number): void;
}

export interface Failure extends Input {
  readonly problem: string;
}

export interface FuzzResult {
  readonly slowestMs: number;
  /** times that each failure was met, by what it is */
  readonly failures: ReadonlyMap<string, number>;
}

/** Makes and opens `inputs` inputs. Of failures with the same cause one is told, made small. */
export async function fuzz(workspace: Workspace, options: FuzzOptions): Promise<FuzzResult> {
  const { inputs, seed, coverage } = options;
  const dice = new Dice(seed);
  const corpus = [...workspace.valid, ...(options.corpus ?? [])];
  const failures = new Map<string, number>();
  for (const input of workspace.valid) await judge(workspace, input);
  const filesAtFirst = openFiles();
  let slowestMs = 0;
  let done = 0;

  const fail = async (input: Input, problem: string) => {
    const signature = signatureOf(problem);
    const met = failures.get(signature) ?? 0;
    failures.set(signature, met + 1);
    if (met === 0) options.onFailure({ ...(await shrink(workspace, input, problem)), problem });
  };

  while (done < inputs) {
    const batch = Array.from({ length: Math.min(BATCH, inputs - done) }, () => next(workspace, corpus, dice));
    for (const input of batch) {
      const { ms, problem } = await judge(workspace, input);
      slowestMs = Math.max(slowestMs, ms);
      if (problem) await fail(input, problem);
    }
    done += batch.length;
    const last = batch.at(-1)!;
    if (openFiles() > filesAtFirst)
      await fail(last, `files were left open by this input or ${BATCH} before it`);
    if (coverage?.hasNew()) {
      for (const input of batch) {
        await judge(workspace, input);
        if (!coverage.keep() || corpus.length >= MOST_KEPT) continue;
        corpus.push(input);
        options.onKept?.(input);
      }
    }
    options.onBatch?.(done, corpus.length - workspace.valid.length);
  }
  return { slowestMs, failures };
}

function next({ reader }: Workspace, corpus: readonly Input[], dice: Dice): Input {
  const { seed, bytes } = dice.pick(corpus);
  return { seed, bytes: mutateFields(reader.layout(bytes), dice) };
}

/** 0 where the system does not tell. */
function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
