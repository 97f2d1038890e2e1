/** Architectures of a user's own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  type Architecture,
  graphs,
  listArchitectures,
  openModel,
  registerArchitecture,
} from '../../src/index';
import { expected, fixture, largestDifference, sameBits } from '../support/fixtures';
import { copyOf, errorOf } from '../support/temporary';

function named(folder: string, className: string): string {
  const path = join(folder, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...config, architectures: [className] }));
  return folder;
}

/** Llama, with every score twice as large. */
const sharper = (name: string, className: string): Architecture => ({
  name,
  classes: [className],
  build: (config, tensors) => {
    const { headDim } = graphs.readSizes(config);
    return graphs.gatedDecoder(config, tensors, { attentionScale: 2 / Math.sqrt(headDim) });
  },
});

test('a registered architecture is listed, opens its models, and computes what it says', async () => {
  const folder = named(copyOf('llama'), 'SharperForCausalLM');
  expect((await errorOf(() => openModel(folder))).code).toBe('UNSUPPORTED');
  registerArchitecture(sharper('sharper', 'SharperForCausalLM'));
  expect(listArchitectures()).toContain('sharper');
  using model = await openModel(folder);
  expect(model.architecture).toBe('sharper');
  const { inputIds, logits } = expected('llama');
  const { data } = await model.session().forward(inputIds);
  expect(largestDifference(data, logits)).toBeGreaterThan(1e-3);
});

test('a graph of one’s own from the builder: embedding and output alone', async () => {
  registerArchitecture({
    name: 'bigram',
    classes: ['BigramLM'],
    build: (config, tensors) => {
      const [width, vocab] = [config.count('hidden_size'), config.count('vocab_size')];
      const builder = new graphs.GraphBuilder(tensors, { residual: width, logits: vocab });
      return builder.graph({
        width,
        vocab,
        contextLength: 16,
        kv: { layers: 0, width: 0 },
        result: { buffer: 'logits', kind: 'logits' },
        layers: [
          graphs.layer('embedding', 'embedding', [builder.embed('model.embed_tokens', 'residual', vocab)]),
          graphs.layer('output', 'output', [builder.linear('model.embed_tokens', 'residual', 'logits')]),
        ],
      });
    },
  });
  using model = await openModel(named(copyOf('llama'), 'BigramLM'));
  const logits = await model.session().forward([5, 9, 5]);
  expect(sameBits(logits.row(0), logits.row(2))).toBe(true);
  expect(sameBits(logits.row(0), logits.row(1))).toBe(false);
});

test('a name or class that is there already is refused, unless it is to be replaced', async () => {
  const mine = sharper('llama', 'LlamaForCausalLM');
  const error = await errorOf(() => registerArchitecture(mine));
  expect(error.code).toBe('INVALID');
  expect(error.message).toContain('replace: true');
  expect((await errorOf(() => registerArchitecture(sharper('other', 'GPT2LMHeadModel')))).code).toBe(
    'INVALID',
  );
  registerArchitecture(mine, { replace: true });
  expect(listArchitectures().filter((name) => name === 'llama')).toHaveLength(1);
  using model = await openModel(fixture('llama'));
  const { inputIds, logits } = expected('llama');
  expect(largestDifference((await model.session().forward(inputIds)).data, logits)).toBeGreaterThan(1e-3);
});

test('what is no architecture is refused', async () => {
  for (const wrong of [{}, { name: '', classes: ['A'], build: () => {} }, { name: 'a', classes: 'A' }]) {
    const error = await errorOf(() => registerArchitecture(wrong as never));
    expect(error.code).toBe('INVALID');
    expect(error.message).toContain('build(config, tensors)');
  }
});

test('a graph that does not hold together is refused when a session is asked for', async () => {
  registerArchitecture({
    ...sharper('crooked', 'CrookedLM'),
    build: (config, tensors) => {
      const graph = sharper('', '').build(config, tensors);
      return { ...graph, buffers: graph.buffers.map((buffer) => ({ ...buffer, width: buffer.width + 1 })) };
    },
  });
  using model = await openModel(named(copyOf('llama'), 'CrookedLM'));
  const error = await errorOf(() => model.session());
  expect(error.code).toBe('INVALID');
  expect(error.message).toContain('graph, layer embedding');
});
