/** A smaller input that fails in the same way: parts are left out, first halves, then ever smaller ones. */
import { judge, signatureOf } from './judge';
import type { Input, Workspace } from './workspace';

const MOST_TRIES = 500;

export async function shrink(workspace: Workspace, input: Input, problem: string): Promise<Input> {
  const wanted = signatureOf(problem);
  let smallest = input;
  let tries = 0;
  for (let part = input.bytes.length >> 1; part >= 1; part >>= 1) {
    for (let begin = 0; begin < smallest.bytes.length && tries < MOST_TRIES; tries += 1) {
      const { bytes } = smallest;
      const without = Buffer.concat([bytes.subarray(0, begin), bytes.subarray(begin + part)]);
      const candidate = { ...input, bytes: without };
      const verdict = await judge(workspace, candidate);
      if (verdict.problem && signatureOf(verdict.problem) === wanted) smallest = candidate;
      else begin += part;
    }
  }
  return smallest;
}
