/** A cell stays open for what it still shows: the static picture of a figure comes a moment after its last line. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client, contents } from './client';

let client: Client;
beforeAll(async () => {
  client = await Client.start();
  await client.execute(`
    const host = (globalThis as any)[Symbol.for('hyperion.kernel')];
    const later = async (ms: number) => { await new Promise((r) => setTimeout(r, ms)); host.display({ 'text/plain': 'late' }); };`);
});
afterAll(() => client.close());

test('what a held piece of work shows comes before the cell is idle', async () => {
  const { reply, published } = await client.execute('host.hold(later(150));');
  expect(reply.content.status).toBe('ok');
  expect(contents(published, 'display_data')).toHaveLength(1);
  expect(published.at(-1)!.content.execution_state).toBe('idle');
});

test('work that fails ends the wait and harms nothing', async () => {
  const { reply } = await client.execute("host.hold(Promise.reject(new Error('no')));");
  expect(reply.content.status).toBe('ok');
  expect((await client.execute('1 + 1')).reply.content.status).toBe('ok');
});

test('an interrupt ends a wait that would never end', async () => {
  const id = client.send('execute_request', {
    code: "console.log('begun'); host.hold(new Promise(() => {}));",
  });
  await client.wait('the print', () => contents(client.of(id), 'stream').length > 0);
  await client.request('interrupt_request', {}, 'control');
  expect((await client.finished(id)).reply.content.status).toBe('ok');
});
