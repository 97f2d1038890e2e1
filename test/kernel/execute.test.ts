/** execute_request over real sockets: the order of messages, results, errors in the user's lines, the queue. */
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, contents, printed, result } from './client';

let client: Client;
beforeAll(async () => {
  client = await Client.start();
});
afterAll(() => client.close());

const run = async (code: string, content = {}) => {
  const { reply, published } = await client.execute(code, content);
  const traceback = (contents(published, 'error')[0]?.traceback as string[] | undefined)?.join('\n') ?? '';
  return {
    reply: reply.content,
    published,
    text: result(published),
    traceback: stripVTControlCharacters(traceback),
  };
};

describe('a variable of an earlier cell', () => {
  beforeAll(() => run('const disk = 3; let moved = 1;'));

  test.each([
    [
      'in a shorthand property: `disk is not defined` was seen',
      '({ disk, other: 1 })',
      '{ disk: 3, other: 1 }',
    ],
    ['within functions', '((x: object) => ({ ...x, disk }))({ a: 1 })', '{ a: 1, disk: 3 }'],
    ['shadowed', '((disk: number) => ({ disk }))(8)', '{ disk: 8 }'],
    ['assigned by destructuring', '({ moved } = { moved: 5 }); moved', '5'],
    ['assigned by destructuring, with a default', '({ moved = disk } = {} as any); moved', '3'],
  ])('%s', async (_, code, text) => {
    expect((await run(code)).text).toBe(text);
  });
});

describe('a cell', () => {
  test('is framed by busy and idle, with its input first', async () => {
    const { published, reply } = await run("console.log('out'); 6 * 7");
    const described = published.map(({ header, content }) =>
      [header.msg_type, content.execution_state].join(' ').trim(),
    );
    expect(described).toEqual(['status busy', 'execute_input', 'stream', 'execute_result', 'status idle']);
    expect(reply).toMatchObject({ status: 'ok', payload: [], user_expressions: {} });
    const [input] = contents(published, 'execute_input');
    expect(input).toEqual({ code: "console.log('out'); 6 * 7", execution_count: reply.execution_count });
    expect(contents(published, 'execute_result')[0]).toMatchObject({
      execution_count: reply.execution_count,
    });
  });

  test.each([
    ['1 + 1', '2'],
    ["'text'", "'text'"],
    ['({ a: [1, { b: 2 }] })', '{ a: [ 1, { b: 2 } ] }'],
    ['null', 'null'],
    ['undefined', undefined],
    ['const unused = 1;', undefined],
    ['', undefined],
    ['await Promise.resolve(5)', '5'],
    [
      'let total = 0; for await (const n of (async function* () { yield 1; yield 2; })()) total += n; total',
      '3',
    ],
    ["import { join } from 'node:path'; join('a', 'b')", "'a/b'"],
    ["const fs = await import('fs'); typeof fs.readFileSync", "'function'"],
    ['10n ** 20n', '100000000000000000000n'],
    ['Promise.resolve(1)', 'Promise { 1 }'],
    ['new Promise(() => {})', 'Promise { <pending> }'],
  ])('shows the last value of %s', async (code, text) => {
    const { reply, text: shown } = await run(code);
    expect(reply.status).toBe('ok');
    expect(shown).toBe(text);
  });

  test('sees what earlier cells declared, and may declare it again', async () => {
    await run('let name = 1; interface Shape { sides: number } function area(s: Shape) { return s.sides; }');
    expect((await run('const square: Shape = { sides: 4 }; area(square) + name')).text).toBe('5');
    expect((await run("let name = 'now text'; name.toUpperCase()")).text).toBe("'NOW TEXT'");
  });

  test('shows a value through Symbol.for("Jupyter.display"), also when it is promised', async () => {
    const { published } = await run(`({
      async [Symbol.for('Jupyter.display')]() { return { 'text/html': '<b>rich</b>', 'text/plain': 'rich' }; },
    })`);
    expect(contents(published, 'execute_result')[0]).toMatchObject({
      data: { 'text/html': '<b>rich</b>', 'text/plain': 'rich' },
    });
  });

  test.each([
    ['throws', "throw new Error('no display')"],
    ['gives nothing', 'return undefined'],
    ['gives what JSON cannot hold', "return { 'application/json': 1n }"],
  ])('falls back to text when a display %s', async (_, body) => {
    const { published, reply } = await run(`({ value: 7, [Symbol.for('Jupyter.display')]() { ${body}; } })`);
    expect(reply.status).toBe('ok');
    expect(result(published)).toContain('value: 7');
  });

  test('counts only what is stored', async () => {
    const first = (await run('1')).reply.execution_count as number;
    expect((await run('2', { store_history: false })).reply.execution_count).toBe(first);
    expect((await run('3', { silent: true })).reply.execution_count).toBe(first);
    expect((await run('4')).reply.execution_count).toBe(first + 1);
  });

  test('publishes nothing but its status when silent', async () => {
    const { published } = await run("console.log('hidden'); 1", { silent: true });
    expect(published.map(({ header }) => header.msg_type)).toEqual(['status', 'status']);
  });

  test('evaluates user_expressions', async () => {
    const { reply } = await run('const base = 20;', {
      user_expressions: { sum: 'base + 1', bad: 'base.missing' },
    });
    expect(reply.user_expressions).toMatchObject({
      sum: { status: 'ok', data: { 'text/plain': '21' }, metadata: {} },
      bad: { status: 'error', ename: 'TypeScriptError' },
    });
  });

  test('never asks for input', async () => {
    const { reply } = await run('typeof prompt', { allow_stdin: false });
    expect(reply.status).toBe('error');
  });
});

describe('an error', () => {
  test('names cell, line and column, and marks the line', async () => {
    const { reply: first } = await run(
      'interface Unused { a: string }\n\nfunction fails(text: string): never {\n  throw new TypeError(text);\n}',
    );
    const { traceback, reply, published } = await run("// comment\n\n  fails('bad');");
    const [here, there] = [reply.execution_count, first.execution_count];
    expect(reply).toMatchObject({ status: 'error', ename: 'TypeError', evalue: 'bad' });
    expect(contents(published, 'error')[0]).toMatchObject({ ename: 'TypeError', evalue: 'bad' });
    expect(traceback.split('\n')).toEqual([
      'TypeError: bad',
      `    at fails (cell [${there}]:4:9)`,
      `    at cell [${here}]:3:3`,
      '',
      `cell [${there}], line 4`,
      '  2 | ',
      '  3 | function fails(text: string): never {',
      '> 4 |   throw new TypeError(text);',
      '    |         ^',
      '  5 | }',
    ]);
  });

  test('keeps its lines after an await, in a callback and in a loop', async () => {
    const { traceback } = await run(
      'await null;\nfor (const n of [1]) {\n  [n].map((m) => {\n    throw new Error(`at ${m}`);\n  });\n}',
    );
    expect(traceback).toMatch(/cell \[\d+\]:4:11/);
    expect(traceback).toMatch(/cell \[\d+\]:3:7/);
    expect(traceback).not.toMatch(/node:|tslab|dist\/kernel/);
  });

  test('is printed in the user lines by console.log as well', async () => {
    const { published } = await run(
      "\ntry { throw new Error('caught'); } catch (error) { console.log((error as Error).stack); }",
    );
    expect(printed(published)).toMatch(/^Error: caught\n {4}at cell \[\d+\]:2:13\n$/);
  });

  test('shows its cause', async () => {
    const { traceback } = await run("throw new Error('outer', { cause: new TypeError('inner') });");
    expect(traceback).toContain('Caused by: TypeError: inner');
  });

  test.each([
    ["throw 'text'", "'text'"],
    ['throw undefined', 'undefined'],
    ['throw { code: 3 }', '{ code: 3 }'],
    ['await Promise.reject(null)', 'null'],
  ])('may be any value: %s', async (code, evalue) => {
    expect((await run(code)).reply).toMatchObject({ status: 'error', ename: 'Thrown', evalue });
  });

  test('of types has code, line and caret', async () => {
    const { reply, traceback } = await run("const fine = 1;\nconst wrong: number = 'text';");
    expect(reply).toMatchObject({ status: 'error', ename: 'TypeScriptError' });
    expect(reply.evalue).toBe("TS2322: Type 'string' is not assignable to type 'number'.");
    expect(traceback.split('\n')).toEqual([
      "TS2322: Type 'string' is not assignable to type 'number'.",
      `    at cell [${reply.execution_count}]:2:7`,
      '  1 | const fine = 1;',
      "> 2 | const wrong: number = 'text';",
      '    |       ^',
      '',
    ]);
  });

  test('of syntax is readable', async () => {
    const { reply } = await run('const = 1');
    expect(reply).toMatchObject({ status: 'error', ename: 'TypeScriptError' });
    expect(reply.evalue).toContain('TS1134');
  });

  test('is displayed richly first when it has a display', async () => {
    const { published } = await run(`
      class Rich extends Error { [Symbol.for('Jupyter.display')]() { return { 'text/html': '<i>why</i>' }; } }
      throw new Rich('rich');`);
    const types = published.map(({ header }) => header.msg_type).filter((type) => type !== 'status');
    expect(types).toEqual(['execute_input', 'display_data', 'error']);
    expect(contents(published, 'display_data')[0]?.data).toEqual({ 'text/html': '<i>why</i>' });
  });

  test('keeps the variables that the cell had set, and those of before', async () => {
    await run("const older = 'older'; let again = 'first';");
    await run(
      "let done = { n: 1 }; class Made { v = 2; } throw new Error('stop'); let again = 5; let lost = 3;",
    );
    expect((await run('done.n + new Made().v')).text).toBe('3');
    expect((await run('older + again.toUpperCase()')).text).toBe("'olderFIRST'");
    expect((await run('lost')).reply.evalue).toContain("Cannot find name 'lost'");
  });

  test('in the background is printed to its cell, and kills nothing', async () => {
    const { published } = await run(
      "setTimeout(() => { throw new Error('late'); }, 1); void Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 50));",
    );
    const text = stripVTControlCharacters(printed(published, 'stderr'));
    expect(text).toContain('Error: late');
    expect(text).toContain('Error: lost');
    expect(text).toMatch(/cell \[\d+\], line 1/);
    expect((await run('1')).reply.status).toBe('ok');
  });

  test('answers process.exit, which would lose the session', async () => {
    const { reply } = await run('process.exit(0)');
    expect(reply.evalue).toContain('Shut Down');
    expect((await run('older')).text).toBe("'older'");
  });

  test('of endless recursion is an error like others', async () => {
    const { reply } = await run('function deep(): number { return 1 + deep(); } deep()');
    expect(reply).toMatchObject({ status: 'error', ename: 'RangeError' });
  });
});

describe('the queue', () => {
  const fail = "throw new Error('first');";

  test('aborts what waits behind a failed cell, and nothing that comes after', async () => {
    const first = client.send('execute_request', {
      code: `for (const end = Date.now() + 100; Date.now() < end; ); ${fail}`,
    });
    const waiting = [
      client.send('execute_request', { code: '1' }),
      client.send('execute_request', { code: '2' }),
    ];
    expect((await client.finished(first)).reply.content.status).toBe('error');
    const later = client.send('execute_request', { code: '3' });
    for (const id of waiting) {
      const { reply, published } = await client.finished(id);
      expect(reply.content.status).toBe('aborted');
      expect(published.map(({ content }) => content.execution_state)).toEqual(['busy', 'idle']);
    }
    expect(result((await client.finished(later)).published)).toBe('3');
  });

  test('goes on when stop_on_error is false', async () => {
    client.send('execute_request', { code: fail, stop_on_error: false });
    const next = client.send('execute_request', { code: '4' });
    expect(result((await client.finished(next)).published)).toBe('4');
  });

  test('runs cells in order, one at a time, while other requests are answered', async () => {
    const slow = client.send('execute_request', {
      code: 'await new Promise((r) => setTimeout(r, 300)); const slowly = 1;',
    });
    const next = client.send('execute_request', { code: 'slowly + 1' });
    const { content } = await client.request('is_complete_request', { code: '1' });
    expect(content.status).toBe('complete');
    expect(client.of(slow).some((message) => message.content.execution_state === 'idle')).toBe(false);
    expect(result((await client.finished(next)).published)).toBe('2');
  });
});
