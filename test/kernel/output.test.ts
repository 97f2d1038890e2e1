/** What cells publish reaches the right cell, in order, without flooding. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, contents, printed, result } from './client';

let client: Client;
beforeAll(async () => {
  client = await Client.start();
  await client.execute("const host = (globalThis as any)[Symbol.for('hyperion.kernel')];");
});
afterAll(() => client.close());

describe('streams', () => {
  test('are separate and keep their order', async () => {
    const { published } = await client.execute("console.log('a'); console.error('b'); console.log('c');");
    const streams = contents(published, 'stream').map(({ name, text }) => [name, text]);
    expect(streams).toEqual([
      ['stdout', 'a\n'],
      ['stderr', 'b\n'],
      ['stdout', 'c\n'],
    ]);
  });

  test('merge the prints of a tight loop', async () => {
    const { published } = await client.execute("for (let i = 0; i < 20_000; i++) console.log('line', i);");
    expect(printed(published).split('\n')).toHaveLength(20_001);
    expect(contents(published, 'stream').length).toBeLessThan(200);
  });

  test('leave a cell that never yields while it runs', async () => {
    const id = client.send('execute_request', {
      code: "for (const end = Date.now() + 500; Date.now() < end; ) console.log('tick');",
    });
    await client.wait('a print', () => printed(client.of(id)).includes('tick'));
    expect(client.of(id).some(({ content }) => content.execution_state === 'idle')).toBe(false);
    await client.finished(id);
  });

  test('go to the cell that wrote them, after later cells have started', async () => {
    const first = client.send('execute_request', {
      code: "void (async () => { for (let i = 0; i < 5; i++) { await new Promise((r) => setTimeout(r, 40)); console.log('from the first'); } })();",
    });
    await client.finished(first);
    const { published } = await client.execute(
      "await new Promise((r) => setTimeout(r, 100)); console.log('from the second');",
    );
    await client.wait('the last print', () => printed(client.of(first)).split('\n').length === 6);
    expect(printed(published)).toBe('from the second\n');
  });

  test('keep characters whole that are written in pieces', async () => {
    const { published } = await client.execute(`
      const bytes = Buffer.from('é😀\\n');
      for (const byte of bytes) process.stdout.write(Uint8Array.of(byte));
      process.stdout.write('aGk=', 'base64');
      await new Promise<void>((resolve) => process.stdout.write('!', () => resolve()));`);
    expect(printed(published)).toBe('é😀\nhi!');
  });

  test('end with a note when a cell prints without end', async () => {
    const { published } = await client.execute(
      "const line = 'x'.repeat(1 << 20); for (let i = 0; i < 40; i++) console.log(line);",
    );
    const text = printed(published);
    expect(text.length).toBeLessThan(17 << 20);
    expect(text).toContain('is not shown');
  });
});

describe('displays', () => {
  test('are shown, updated in place and cleared through the kernel host', async () => {
    const { published } = await client.execute(`
      host.display({ 'text/plain': 'one' }, { displayId: 'figure', metadata: { width: 3 } });
      console.log('between');
      host.display({ 'text/plain': 'two' }, { displayId: 'figure', update: true });
      host.clearOutput(true);
      host.display({ 'text/plain': 'three' });`);
    const types = published.map(({ header }) => header.msg_type).filter((type) => type !== 'status');
    expect(types).toEqual([
      'execute_input',
      'display_data',
      'stream',
      'update_display_data',
      'clear_output',
      'display_data',
    ]);
    const [shown, last] = contents(published, 'display_data');
    const transient = { display_id: 'figure' };
    expect(shown).toEqual({ data: { 'text/plain': 'one' }, metadata: { width: 3 }, transient });
    expect(contents(published, 'update_display_data')[0]).toMatchObject({
      data: { 'text/plain': 'two' },
      transient,
    });
    expect(contents(published, 'clear_output')).toEqual([{ wait: true }]);
    expect(last).toEqual({ data: { 'text/plain': 'three' }, metadata: {}, transient: {} });
  });

  test('of tslab are shown too', async () => {
    const { published } = await client.execute(
      "import * as tslab from 'tslab'; tslab.display.html('<p>old</p>');",
    );
    expect(contents(published, 'display_data')[0]).toMatchObject({ data: { 'text/html': '<p>old</p>' } });
  });

  test('that JSON cannot hold are an error of the cell', async () => {
    const { reply } = await client.execute("host.display({ 'application/json': 1n });");
    expect(reply.content).toMatchObject({ status: 'error', ename: 'TypeError' });
  });
});

describe('comms', () => {
  test('opened by the front end: messages both ways, with buffers', async () => {
    await client.execute(`
      const heard: unknown[] = [];
      host.comms.register('echo', (comm: any, data: any) => {
        heard.push(data);
        comm.onMessage = (data: any, buffers: Uint8Array[]) => {
          console.log('got', data.n);
          comm.send({ twice: data.n * 2 }, buffers.map((buffer) => buffer.map((byte) => byte + 1)));
        };
        comm.onClose = () => heard.push('closed');
      });`);
    client.send('comm_open', { comm_id: 'one', target_name: 'echo', data: { hello: 1 } });
    const id = client.send(
      'comm_msg',
      { comm_id: 'one', data: { n: 21 } },
      { buffers: [Uint8Array.of(1, 254)] },
    );
    await client.wait('the answer', () =>
      client.of(id).some(({ content }) => content.execution_state === 'idle'),
    );
    const answer = client.of(id).find(({ header }) => header.msg_type === 'comm_msg')!;
    expect(answer.content).toEqual({ comm_id: 'one', data: { twice: 42 } });
    expect(answer.buffers.map((buffer) => [...buffer])).toEqual([[2, 255]]);
    expect(printed(client.of(id))).toBe('got 21\n');
    const info = await client.request('comm_info_request', { target_name: 'echo' });
    expect(info.content).toEqual({ status: 'ok', comms: { one: { target_name: 'echo' } } });
    client.send('comm_close', { comm_id: 'one', data: {} });
    expect(result((await client.execute('heard')).published)).toBe("[ { hello: 1 }, 'closed' ]");
    expect((await client.request('comm_info_request')).content.comms).toEqual({});
  });

  test('of an unknown target are closed at once', async () => {
    const id = client.send('comm_open', { comm_id: 'two', target_name: 'nobody', data: {} });
    await client.wait('the close', () =>
      client.of(id).some(({ header }) => header.msg_type === 'comm_close'),
    );
    expect(contents(client.of(id), 'comm_close')).toEqual([{ comm_id: 'two', data: {} }]);
  });

  test('opened by a cell', async () => {
    const { published } = await client.execute(
      "const own = host.comms.connect('panel', { a: 1 }); own.send({ b: 2 }); own.close();",
    );
    const [opened] = contents(published, 'comm_open');
    expect(opened).toMatchObject({ target_name: 'panel', data: { a: 1 } });
    expect(contents(published, 'comm_msg')).toEqual([{ comm_id: opened?.comm_id, data: { b: 2 } }]);
    expect(contents(published, 'comm_close')).toEqual([{ comm_id: opened?.comm_id, data: {} }]);
  });

  test('whose handler throws say so on the message', async () => {
    await client.execute("host.comms.register('bad', () => { throw new Error('handler'); });");
    const id = client.send('comm_open', { comm_id: 'three', target_name: 'bad', data: {} });
    await client.wait('idle', () => client.of(id).some(({ content }) => content.execution_state === 'idle'));
    expect(printed(client.of(id), 'stderr')).toContain('handler');
  });
});
