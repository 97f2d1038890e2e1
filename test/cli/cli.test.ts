/** The command line as a user meets it: output, exit codes, errors, help. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { version } from '../../src/root';
import { expected, fixture } from '../support/fixtures';
import { writeGguf } from '../support/gguf';
import { temporaryFolder } from '../support/temporary';

const cli = join(__dirname, '../../dist/src/cli/main.js');
const llama = fixture('llama');
const { inputIds, greedy } = expected('llama');
const ids = inputIds.join(',');

function hyperion(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

describe('help', () => {
  const { stdout } = hyperion('--help');
  const commands = [...stdout.matchAll(/^ {2}([a-z]+)(?: \[| {2})/gm)].map((match) => match[1]!);

  test('names the commands', () => {
    expect(commands).toEqual(expect.arrayContaining(['inspect', 'logits', 'generate', 'sample']));
    expect(hyperion('--version').stdout.trim()).toBe(version);
  });

  test.each(commands)('%s --help describes the command and exits with 0', (command) => {
    const result = hyperion(command, '--help');
    expect(result).toMatchObject({ status: 0, stderr: '' });
    if (command !== 'help')
      expect(result.stdout).toMatch(new RegExp(`^Usage: hyperion ${command}[^]*Options:`));
  });
});

describe('inspect', () => {
  test('a card and a table of layers', () => {
    const { status, stdout } = hyperion('inspect', llama);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^llama\n {2}architecture +llama\n {2}format +safetensors\n {2}parameters +250,432\n/,
    );
    expect(stdout).toMatch(
      /^ {2}KV cache per token +1\.0 KiB; [^\n]+ in int8\n {2}smallest budget +644\.0 KiB$/m,
    );
    expect(stdout).toMatch(
      /^layers\.3\.feed_forward +feed_forward +132\.3 KiB +F32 +933\.7 KiB +4 +on disk/m,
    );
  });

  test('--json: exactly the fields', () => {
    const report = JSON.parse(hyperion('inspect', llama, '--json').stdout);
    expect(Object.keys(report)).toEqual([
      'format',
      'architecture',
      'parameters',
      'bytes',
      'layers',
      'tensors',
    ]);
    expect(report).toMatchObject({
      format: 'safetensors',
      architecture: 'llama',
      parameters: 250_432,
      bytes: 1_001_728,
    });
    expect(report.layers).toHaveLength(11);
    expect(report.layers[0]).toEqual({
      name: 'embedding',
      bytes: 131_072,
      tensors: ['model.embed_tokens.weight'],
    });
    expect(report.tensors).toHaveLength(39);
    expect(report.tensors).toContainEqual({
      name: 'model.norm.weight',
      dtype: 'F32',
      shape: [64],
      bytes: 256,
    });
  });
});

describe('inspect of what cannot be computed', () => {
  const metadata = { 'general.architecture': 'martian' };
  const tensors = [{ name: 'a', shape: [2, 3], data: new Uint8Array(24) }];

  test('lists its tensors, and says why on standard error', () => {
    const path = writeGguf({ metadata, tensors });
    const { status, stdout, stderr } = hyperion('inspect', path);
    expect(status).toBe(0);
    expect(stderr).toMatch(/model\.gguf: the architecture 'martian' is not supported/);
    expect(stdout).toMatch(/^model: martian \(gguf\), 6 parameters, 24 B/);
    expect(stdout).toMatch(/^a +24 B +F32 +\[2, 3\]$/m);
    expect(JSON.parse(hyperion('inspect', path, '--json').stdout)).toEqual({
      format: 'gguf',
      architecture: 'martian',
      parameters: 6,
      bytes: 24,
      layers: [],
      tensors: [{ name: 'a', dtype: 'F32', shape: [2, 3], bytes: 24 }],
    });
  });

  test('weights of types that are listed alone', () => {
    const path = fixture('../gguf/llama-q4_0.gguf');
    const file = readFileSync(path);
    // Q4_0 and IQ4_NL have blocks of the same size: the file stays as it is but for the numbers of the types.
    const name = 'blk.0.attn_q.weight';
    file.writeUInt32LE(20, file.indexOf(name) + name.length + 4 + 16);
    const { status, stdout, stderr } = hyperion('inspect', writeGguf(file));
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(/blk\.0\.attn_q\.weight' has the dtype IQ4_NL/),
    ]);
    expect(stdout).toMatch(/^blk\.0\.attn_q\.weight +\S+ KiB +IQ4_NL/m);
  });
});

describe('generate', () => {
  test.each(['static', 'pooled', 'dynamic', 'hybrid'])(
    '--strategy %s: the same tokens, within the budget',
    (strategy) => {
      const { status, stdout } = hyperion(
        'generate',
        llama,
        '--ids',
        ids,
        '--max-tokens',
        '4',
        '--budget',
        '3MiB',
        '--strategy',
        strategy,
        '--json',
      );
      expect(status).toBe(0);
      const result = JSON.parse(stdout);
      expect(result.ids).toEqual(greedy.slice(0, 4));
      expect(result.enginePeakBytes).toBeLessThanOrEqual(3 * 2 ** 20);
    },
  );

  test('--json: exactly the fields, and numbers that agree', () => {
    const args = [
      '--max-tokens',
      '32',
      '--budget',
      '2MiB',
      '--threads',
      '2',
      '--activations',
      'f32',
      '--json',
    ];
    const { status, stdout, stderr } = hyperion('generate', llama, '--ids', ids, ...args);
    expect([status, stderr]).toEqual([0, '']);
    const report = JSON.parse(stdout);
    expect(Object.keys(report)).toEqual([
      'ids',
      'text',
      'promptTokens',
      'timeToFirstTokenMs',
      'prefillTokensPerSecond',
      'tokensPerSecond',
      'budgetBytes',
      'enginePeakBytes',
      'residentBaselineBytes',
      'residentPeakBytes',
      'modelBytes',
      'bytesRead',
      'mode',
      'threads',
    ]);
    expect(report).toMatchObject({
      ids: greedy,
      promptTokens: 24,
      budgetBytes: 2 ** 21,
      modelBytes: 1_001_728,
      threads: 2,
    });
    expect(report.enginePeakBytes).toBeLessThanOrEqual(report.budgetBytes);
    expect(report.residentPeakBytes).toBeGreaterThanOrEqual(report.residentBaselineBytes);
    expect(report.bytesRead).toBeGreaterThanOrEqual(report.modelBytes - 131_072);
  });

  test('--budget auto: what is free, no more than is of use, and the same tokens', () => {
    const run = (budget: string) =>
      JSON.parse(
        hyperion('generate', llama, '--ids', '1,2', '--max-tokens', '4', '--budget', budget, '--json').stdout,
      );
    const automatic = run('auto');
    expect(automatic.ids).toEqual(run('unlimited').ids);
    expect(automatic.budgetBytes).toBeGreaterThanOrEqual(automatic.enginePeakBytes);
    expect(automatic.budgetBytes).toBeLessThan(64 * 2 ** 20);
  });

  test('--speculate gives the same tokens and says in how many passes; --kv int8 takes less memory', () => {
    const run = (...args: string[]) =>
      JSON.parse(
        hyperion('generate', llama, '--ids', '1,2,1,2,1,2', '--max-tokens', '40', '--json', ...args).stdout,
      );
    const [plain, speculated, small] = [run(), run('--speculate'), run('--kv', 'int8')];
    expect(speculated.ids).toEqual(plain.ids);
    expect(run('--policy', 'lru', '--budget', '3MiB').ids).toEqual(plain.ids);
    expect(speculated.decoding.passes + speculated.decoding.accepted).toBe(40);
    expect(small.enginePeakBytes).toBeLessThan(plain.enginePeakBytes);
  });

  test('text on standard output, what it cost on standard error', () => {
    const { status, stdout, stderr } = hyperion('generate', llama, '--prompt', 'Hello', '--max-tokens', '5');
    expect(status).toBe(0);
    expect(stdout).toMatch(/\n$/);
    expect(stderr).toMatch(/^5 tokens, .* tokens\/s, first after .*, engine peak .*\n$/);
    const seeded = (seed: string) =>
      hyperion('generate', llama, '--prompt', 'Hello', '--temperature', '2', '--seed', seed, '--json').stdout;
    const [a, b, c] = ['1', '1', '2'].map((seed) => JSON.parse(seeded(seed)).ids.join());
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });
});

describe('logits', () => {
  test('a file that is replaced whole, and nothing beside it', () => {
    const folder = temporaryFolder();
    const out = join(folder, 'logits.safetensors');
    for (let time = 0; time < 2; time += 1) {
      const { status, stdout } = hyperion('logits', llama, '--ids', '1,2,3', '--out', out, '--json');
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ out, shape: [3, 512] });
    }
    expect(readdirSync(folder)).toEqual(['logits.safetensors']);
  });
});

describe('sample', () => {
  test('a model that can be generated from', () => {
    const out = join(temporaryFolder(), 'model');
    const sizes = ['--layers', '2', '--hidden', '64', '--heads', '4', '--kv-heads', '2'];
    const more = ['--intermediate', '96', '--vocab', '300', '--context', '32', '--seed', '4'];
    const args = ['sample', '--shape', 'tinyllama-1.1b', '--dtype', 'bf16', '--out', out, ...sizes, ...more];
    const { status, stdout } = hyperion(...args, '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ out, shape: 'tinyllama-1.1b', dtype: 'bf16' });
    expect(hyperion('generate', out, '--prompt', 'Hi', '--max-tokens', '3').status).toBe(0);
    const again = hyperion(...args);
    expect(again).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^hyperion: INVALID: .* is not empty/),
    });
    expect(hyperion(...args, '--force').status).toBe(0);
  });
});

describe('failures', () => {
  test.each([
    [['inspect', '/nowhere'], /^hyperion: IO: cannot read \/nowhere: there is no such file\n$/],
    [['generate', fixture('bert'), '--ids', '1'], /^hyperion: INVALID: bert is an encoder/],
    [['generate', llama, '--prompt', ''], /^hyperion: INVALID: the prompt is empty/],
    [['generate', llama, '--ids', '1,512'], /^hyperion: INVALID: token 512 at index 1/],
    [['generate', llama, '--ids', '1', '--budget', '0'], /^hyperion: INVALID: budget '0'/],
    [
      ['generate', llama, '--ids', '1', '--budget', '-5MiB'],
      /^hyperion: INVALID: budget '-5MiB' is not a size/,
    ],
    [
      ['generate', llama, '--ids', '1', '--budget', '1KiB'],
      /^hyperion: OVER_BUDGET: .*smallest feasible budget/,
    ],
    [['generate', llama, '--ids', '1', '--threads', '0'], /^hyperion: INVALID: threads is 0/],
    [['logits', llama, '--ids', '1', '--out', '/nowhere/x.safetensors'], /^hyperion: IO: cannot write/],
  ])('%j: one line with the code, exit 1', (args, message) => {
    const { status, stdout, stderr } = hyperion(...args);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('--json: the error as an object on standard error', () => {
    const { status, stdout, stderr } = hyperion(
      'generate',
      llama,
      '--ids',
      '1',
      '--budget',
      '1KiB',
      '--json',
    );
    expect([status, stdout]).toEqual([1, '']);
    const { error } = JSON.parse(stderr);
    expect(error).toMatchObject({ code: 'OVER_BUDGET', details: { budgetBytes: 1024 } });
    expect(error.details.smallestBudgetBytes).toBeGreaterThan(1024);
  });

  test.each([
    [[], /Usage: hyperion/],
    [['bogus'], /unknown command 'bogus'/],
    [['inspect'], /missing required argument 'model'/],
    [['inspect', llama, '--bogus'], /unknown option '--bogus'/],
    [['generate', llama], /one of '--prompt <text>', '--ids <ids>' and '--chat <text>' is required/],
    [['generate', llama, '--ids', '1', '--prompt', 'a'], /cannot be used with/],
    [['generate', llama, '--ids', '1,x'], /must be token ids with commas between/],
    [['generate', llama, '--ids', '1', '--threads', 'many'], /must be a number/],
    [['generate', llama, '--ids', '1', '--activations', 'int8'], /Allowed choices are auto, f32/],
    [['logits', llama, '--ids', '1'], /required option '--out <file>' not specified/],
    [['sample', '--shape', 'llama', '--out', 'x'], /Allowed choices are tinyllama-1\.1b/],
  ])('misuse %j: exit 2', (args, message) => {
    const { status, stderr } = hyperion(...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });
});
