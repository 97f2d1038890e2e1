/** Options and arguments that several commands share, and the way their text is read. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Progress } from '../display';
import type { SessionOptions } from '../inference/options';
import { STRATEGIES, type StrategyName } from '../memory/strategy';
import type { WorkOptions } from '../model/chunk-reader';
import { IO, POLICIES } from '../native';

/** Options of a session, as commander gives them. */
export type SessionFlags = Pick<
  SessionOptions,
  'threads' | 'prefetchWindow' | 'readers' | 'io' | 'policy' | 'activations' | 'kv'
> & {
  budget?: string;
  strategy?: StrategyName;
};

/** Adds the options that make a session. Their ranges are checked where sessions are made. */
export function addSessionOptions(command: Command): Command {
  return command
    .option(
      '--budget <size>',
      'memory for the session, as 600MiB, 1.5GiB or bytes; auto: what is free (default: unlimited)',
    )
    .option('--threads <n>', 'threads that compute (default: the processors)', parseNumber)
    .option('--prefetch-window <n>', 'layers read ahead (default: 2)', parseNumber)
    .option('--readers <n>', 'reads under way at once (default: 3)', parseNumber)
    .addOption(new Option('--io <way>', 'how weights are read').choices(IO).default('auto'))
    .addOption(
      new Option('--policy <name>', 'which layers give way when room is needed')
        .choices(POLICIES)
        .default('cyclic'),
    )
    .addOption(
      new Option('--strategy <name>', 'where memory comes from').choices(STRATEGIES).default('dynamic'),
    )
    .addOption(
      new Option('--kv <type>', 'type of the KV cache; int8 takes a quarter of the bytes')
        .choices(['f32', 'int8'])
        .default('f32'),
    )
    .addOption(
      new Option('--activations <type>', 'type of activations').choices(['auto', 'f32']).default('auto'),
    );
}

/** A number, as JavaScript reads it. */
export function parseNumber(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number)) return number;
  throw new InvalidArgumentError('It must be a number.');
}

/** Token ids, as 1,2,3. */
export function parseIds(text: string): number[] {
  const ids = text.split(',').map((id) => (/^\s*-?\d+\s*$/.test(id) ? Number(id) : Number.NaN));
  if (ids.every(Number.isSafeInteger)) return ids;
  throw new InvalidArgumentError('It must be token ids with commas between, as 1,2,3.');
}

/** Aborted by the first Ctrl-C; the second ends the process. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}

/**
 * Runs work over many bytes: a bar on standard error once the first are done, and Ctrl-C ends it with `CANCELLED`.
 *
 * @param what the bar's label
 */
export async function withProgress<T>(what: string, work: (options: WorkOptions) => Promise<T>): Promise<T> {
  let progress: Progress | undefined;
  const onProgress = (done: number, total: number) => {
    progress ??= new Progress(what, total, { unit: 'bytes' });
    progress.update(done);
  };
  return work({ onProgress, signal: interruptSignal() }).finally(() => progress?.finish());
}

/** One JSON object on standard output. */
export function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
