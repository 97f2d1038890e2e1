/** `npm run fuzz`: options, processes side by side, what was found and where it lies. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { packageRoot } from '../../src/root';
import { formatCount } from '../../src/units';
import type { Reader } from './reader';
import { READERS } from './readers';
import { type Found, type Report, supervise } from './supervise';

const OUTPUT = join(packageRoot, 'test/output/fuzz');

interface Flags {
  readonly inputs: string;
  readonly reader: readonly string[];
  readonly seed: string;
}

async function main(): Promise<void> {
  const names = READERS.map(({ name }) => name);
  const program = new Command('npm run fuzz --')
    .description(
      'Mutated files for the readers; each input in bounds of time and memory, and refused in a sentence',
    )
    .option('--inputs <n>', 'inputs for each reader', '1000000')
    .option('--reader <names...>', names.join(', '), names)
    .option('--seed <n>', 'equal seeds make equal inputs', '1');
  const { inputs, reader, seed } = program.parse().opts<Flags>();
  const unknown = reader.find((name) => !names.includes(name));
  if (unknown) program.error(`there is no reader ${unknown}; there are ${names.join(', ')}`);

  console.log(`${formatCount(Number(inputs))} inputs for each reader, seed ${seed}`);
  const waiting = READERS.filter(({ name }) => reader.includes(name));
  let failures = 0;
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const report = await supervise(next, {
        inputs: Number(inputs),
        seed: Number(seed),
        onProgress: ticker(next),
      });
      failures += report.found.length;
      print(next, report);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  process.exitCode = failures === 0 ? 0 : 1;
}

/** A line for each tenth of a million. */
function ticker({ name }: Reader): (done: number, kept: number) => void {
  let told = 0;
  return (done, kept) => {
    if (done < told + 100_000) return;
    told = done;
    console.log(`${name}: ${formatCount(done)} inputs, ${kept} kept`);
  };
}

function print(reader: Reader, { done, kept, seconds, slowestMs, unconfirmed, found }: Report): void {
  console.log(
    `${reader.name}: ${formatCount(done)} inputs in ${seconds.toFixed(0)} s, ${kept} kept, slowest ${slowestMs.toFixed(0)} ms, ` +
      `${found.length} failures${unconfirmed ? `, ${unconfirmed} deaths that no input brought about again` : ''}`,
  );
  for (const [index, one] of found.entries()) console.log(`  ${save(reader, one, index)}: ${one.problem}`);
}

function save({ name }: Reader, { bytes }: Found, index: number): string {
  mkdirSync(OUTPUT, { recursive: true });
  const path = join(OUTPUT, `${name}-${index}`);
  writeFileSync(path, bytes);
  return path;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
