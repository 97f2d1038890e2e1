/** Completion, inspection, completeness, history and kernel_info over real sockets. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from './client';

let client: Client;
beforeAll(async () => {
  client = await Client.start();
  await client.execute(
    '/** How wide it is. */\nfunction measure(text: string, scale = 1): number { return text.length * scale; }',
  );
  await client.execute('const shape = { width: 1, weight: 2 }; shape');
});
afterAll(() => client.close());

const ask = async (type: string, content: Record<string, unknown>) =>
  (await client.request(type, content)).content;

describe('complete', () => {
  test('offers members by type, with the span to replace', async () => {
    const reply = await ask('complete_request', { code: 'shape.we', cursor_pos: 8 });
    expect(reply).toMatchObject({ status: 'ok', matches: ['weight'], cursor_start: 6, cursor_end: 8 });
    expect(reply.metadata).toMatchObject({
      _jupyter_types_experimental: [{ text: 'weight', type: 'property' }],
    });
  });

  test('counts positions in code points', async () => {
    const code = "const face = '😀😀'; shape.wi";
    const end = [...code].length;
    const reply = await ask('complete_request', { code, cursor_pos: end });
    expect(reply).toMatchObject({ matches: ['width'], cursor_start: end - 2, cursor_end: end });
  });

  test('offers what earlier cells declared', async () => {
    const reply = await ask('complete_request', { code: 'meas', cursor_pos: 4 });
    expect(reply.matches).toContain('measure');
  });

  test('answers while a cell waits', async () => {
    const id = client.send('execute_request', { code: 'await new Promise((r) => setTimeout(r, 500))' });
    await client.wait('busy', () => client.of(id).length > 0);
    expect(await ask('complete_request', { code: 'shape.', cursor_pos: 6 })).toMatchObject({
      matches: ['weight', 'width'],
    });
    expect(client.of(id).some(({ content }) => content.execution_state === 'idle')).toBe(false);
    await client.finished(id);
  });

  test.each([[{}], [{ code: 3, cursor_pos: 0 }], [{ code: 'a', cursor_pos: -1 }]])(
    'refuses %j',
    async (content) => {
      expect(await ask('complete_request', content)).toMatchObject({ status: 'error', ename: 'TypeError' });
    },
  );
});

describe('inspect', () => {
  test('shows signature and documentation', async () => {
    const code = "'😀'; measure('a')";
    const reply = await ask('inspect_request', { code, cursor_pos: 8, detail_level: 0 });
    expect(reply).toMatchObject({ status: 'ok', found: true });
    const data = reply.data as Record<string, string>;
    expect(data['text/plain']).toContain('function measure(text: string, scale?: number): number');
    expect(data['text/markdown']).toContain('```typescript');
  });

  test('finds nothing in nothing', async () => {
    const reply = await ask('inspect_request', { code: '   ', cursor_pos: 1 });
    expect(reply).toEqual({ status: 'ok', found: false, data: {}, metadata: {} });
  });
});

test.each([
  ['const a = 1;', { status: 'complete' }],
  ['for (const a of b) {', { status: 'incomplete', indent: '  ' }],
  ['f(', { status: 'incomplete', indent: '  ' }],
  ['await x;', { status: 'complete' }],
  ['const = ;', { status: 'invalid' }],
  ['', { status: 'complete' }],
])('is_complete of %j', async (code, reply) => {
  expect(await ask('is_complete_request', { code })).toEqual(reply);
});

test('history holds what was stored, with outputs', async () => {
  await client.execute('1 + 41', { store_history: true });
  await client.execute('hidden', { silent: true });
  const { history } = await ask('history_request', {
    hist_access_type: 'tail',
    n: 1,
    output: true,
    raw: true,
  });
  expect(history).toEqual([[1, expect.any(Number), ['1 + 41', '42']]]);
});

test('kernel_info tells language and protocol', async () => {
  const { published, reply } = await client.exchange('kernel_info_request');
  expect(reply.content).toMatchObject({
    status: 'ok',
    protocol_version: expect.stringMatching(/^5\./),
    implementation: 'hyperion-lab',
    language_info: { name: 'typescript', file_extension: '.ts', mimetype: 'text/typescript' },
  });
  expect(published.map(({ content }) => content.execution_state)).toEqual(['busy', 'idle']);
});

test('the language version is that of the compiler beneath', async () => {
  const { reply } = await client.exchange('kernel_info_request');
  const { version } = await import('@tslab/typescript-for-tslab');
  expect((reply.content.language_info as { version: string }).version).toBe(version);
});
