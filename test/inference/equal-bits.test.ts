/** Every reference model, under settings drawn at random and a budget that changes between passes: what a session computes stays the same to the bit. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import type { SessionOptions } from '../../src/inference/options';
import type { Session } from '../../src/inference/session';
import { IO, POLICIES } from '../../src/native';
import { Dice } from '../fuzz/dice';
import { fixture, integers, MODELS, readSafetensors, sameBits } from '../support/fixtures';

const SETTINGS = 8;
const READ = IO.filter((io) => io !== 'mmap');
const GGUF = ['f16', 'q4_0', 'q4_k', 'q6_k', 'q8_0'];

/** Names, paths, and the files that hold the tokens which PyTorch was given. */
const models: [string, string, string][] = [
  ...readdirSync(MODELS)
    .filter((name) => name !== 'manpage')
    .map((name): [string, string, string] => [name, fixture(name), fixture(`${name}/expected.safetensors`)]),
  ...GGUF.map((type): [string, string, string] => {
    const path = fixture(`../gguf/llama-${type}`);
    return [`llama-${type}.gguf`, `${path}.gguf`, `${path}.expected.safetensors`];
  }),
];

async function compute(session: Session, ids: readonly number[]): Promise<Float32Array> {
  const result = session.model.result === 'hidden' ? session.hidden(ids) : session.forward(ids);
  return (await result).data;
}

test.each(models)('%s', async (name, path, expected) => {
  const dice = new Dice(name.length);
  const inputIds = integers(readSafetensors(expected).input_ids!.bytes);
  using model = await openModel(path, { tokenizer: false });
  const reference = await compute(model.session({ threads: 1 }), inputIds);
  for (let setting = 0; setting < SETTINGS; setting += 1) {
    const options: SessionOptions = {
      io: dice.pick(READ),
      policy: dice.pick(POLICIES),
      strategy: dice.pick(['dynamic', 'pooled', 'hybrid']),
      prefetchWindow: dice.below(10),
      readers: 1 + dice.below(6),
      threads: 1 + dice.below(3),
    };
    const { smallestBudgetBytes, workingSetBytes } = model.plan({ ...options, positions: inputIds.length });
    const between = () =>
      smallestBudgetBytes + dice.below(Math.max(workingSetBytes - smallestBudgetBytes, 0) + 1);
    const first = dice.chance(0.5) ? smallestBudgetBytes : between();
    const session = model.session({ ...options, budget: first });
    // Parts stay as they were cut for the first budget, which is therefore the least of them.
    for (const budget of [first, Math.max(first, between()), first]) {
      // Of a strategy with pools, blocks that stay may lie apart and hold more than they need.
      await session.setBudget(budget).catch((error) => {
        if (options.strategy === 'dynamic' || error.code !== 'OVER_BUDGET') throw error;
      });
      const same = sameBits(await compute(session, inputIds), reference);
      expect({ ...options, budget, same }).toEqual({ ...options, budget, same: true });
      expect(session.memory.reserved).toBeLessThanOrEqual(session.budget);
    }
    session.close();
    await session.closed;
  }
});
