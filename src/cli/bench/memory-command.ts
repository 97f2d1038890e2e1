/** `hyperion bench memory`: its options, and what it prints. */
import type { Command } from 'commander';
import { checkInteger } from '../../checks';
import { Progress } from '../../display';
import { interruptSignal, parseNumber, printJson } from '../options';
import { compareMemory } from './memory';
import { memoryReport } from './memory-report';

export function registerMemory(bench: Command): void {
  bench
    .command('memory')
    .summary('pools and strategies, against the allocators that are installed')
    .description(
      'Measure pools, the dynamic strategy, tracking and threads beside boost::pool and the allocators that are installed ' +
        '(glibc, mimalloc, jemalloc, tcmalloc), in turns, and from JavaScript.',
    )
    .option('--repeat <n>', 'runs of each', parseNumber, 3)
    .option(
      '--operations <n>',
      'operations of a measurement, which is the best of five',
      parseNumber,
      1_000_000,
    )
    .option('--json', 'print one JSON object')
    .action(memory);
}

interface Flags {
  repeat: number;
  operations: number;
  json?: boolean;
}

async function memory(flags: Flags): Promise<void> {
  const options = {
    repeat: checkInteger('repeat', flags.repeat, 1, 1000),
    operations: checkInteger('operations', flags.operations, 1, 1e9),
    signal: interruptSignal(),
  };
  let progress: Progress | undefined;
  const onProgress = (done: number, total: number) => {
    progress ??= new Progress('measuring', total);
    progress.update(done);
  };
  const result = await compareMemory({ ...options, onProgress }).finally(() => progress?.finish());
  if (flags.json) printJson(result);
  else process.stdout.write(memoryReport(result));
}
