/** `hyperion generate`: text from a model, on standard output as it comes, or one JSON object with what it cost. */
import { type Command, Option } from 'commander';
import { Progress } from '../display';
import type { Generation } from '../inference/generation';
import { type Model, openModel } from '../inference/model';
import type { Prompt } from '../inference/prompt';
import type { Session } from '../inference/session';
import { processMemory, resetResidentPeak } from '../monitoring/counters';
import { formatBytes, formatDuration } from '../units';
import {
  addSessionOptions,
  interruptSignal,
  parseIds,
  parseNumber,
  printJson,
  type SessionFlags,
} from './options';

export function register(program: Command): void {
  const command = program
    .command('generate')
    .summary('continue a text')
    .description(
      'Continue a text, or a list of token ids. Text goes to standard output, statistics to standard error.',
    )
    .argument('<model>', 'a model folder, or a .safetensors or .gguf file')
    .addOption(new Option('--prompt <text>', 'the text to continue').conflicts('ids'))
    .option('--ids <ids>', 'the token ids to continue, as 1,2,3', parseIds)
    .addOption(
      new Option(
        '--chat <text>',
        'a message to answer, as the chat template of the model writes it',
      ).conflicts(['prompt', 'ids']),
    )
    .option('--system <text>', 'with --chat: how the model is to answer')
    .option('--max-tokens <n>', 'tokens to generate at most (default: 64)', parseNumber);
  addSessionOptions(command)
    .option(
      '--temperature <t>',
      '0 takes the most probable token, more draws more freely (default: 0)',
      parseNumber,
    )
    .option('--top-k <k>', 'draw from the k most probable tokens (default: all)', parseNumber)
    .option(
      '--top-p <p>',
      'draw from the most probable tokens that reach p together (default: 1)',
      parseNumber,
    )
    .option('--seed <s>', 'the same seed draws the same tokens (default: 0)', parseNumber)
    .option('--speculate', 'try tokens that came next before, several in a pass; the text is the same')
    .option('--json', 'print one JSON object')
    .action(generate);
}

interface Flags extends SessionFlags {
  prompt?: string;
  ids?: number[];
  chat?: string;
  system?: string;
  maxTokens?: number;
  temperature?: number;
  topK?: number;
  topP?: number;
  seed?: number;
  speculate?: boolean;
  json?: boolean;
}

async function generate(path: string, flags: Flags, command: Command): Promise<void> {
  const prompt = promptOf(flags);
  if (prompt === undefined)
    command.error("error: one of '--prompt <text>', '--ids <ids>' and '--chat <text>' is required");
  const model = await openModel(path);
  model.tokenizer?.tokenOf(0); // so that it is read by now: it is the model's
  // What was resident before is not the session's: the peak is counted from here.
  resetResidentPeak();
  const baseline = processMemory().resident;
  const { budget, threads, prefetchWindow, policy, strategy, activations, kv } = flags;
  const session = model.session({ budget, threads, prefetchWindow, policy, strategy, activations, kv });
  const { maxTokens, temperature, topK, topP, seed } = flags;
  const signal = interruptSignal();
  const speculate = flags.speculate ? 'prompt-lookup' : 'none';
  const generation = session.generate(prompt, {
    ...{ maxTokens, temperature, topK, topP, seed },
    ...{ speculate, signal },
  });
  if (flags.json) await finish(generation, maxTokens);
  else await print(generation, model.tokenizer !== null);
  const { decoding } = generation.result;
  const extra = flags.speculate ? { decoding } : {};
  if (flags.json) printJson({ ...measurements(generation, session, baseline), ...extra });
  else process.stderr.write(`${summary(generation, session)}\n`);
  model.close();
  await session.closed;
}

function promptOf({ prompt, ids, chat, system }: Flags): Prompt | undefined {
  if (chat === undefined) return prompt ?? ids;
  const instruction = system === undefined ? [] : [{ role: 'system', content: system }];
  return { messages: [...instruction, { role: 'user', content: chat }] };
}

const LONG_MS = 1000;

/** Runs to the end; shows on standard error how far it has come when that takes long. */
async function finish(generation: Generation, maxTokens: number | undefined): Promise<void> {
  const began = performance.now();
  let progress: Progress | undefined;
  try {
    for await (const { index } of generation) {
      if (performance.now() - began > LONG_MS) progress ??= new Progress('generating tokens', maxTokens);
      progress?.update(index + 1);
    }
  } finally {
    progress?.finish();
  }
}

async function print(generation: Generation, asText: boolean): Promise<void> {
  for await (const { id, text, index } of generation) {
    process.stdout.write(asText ? text : `${index > 0 ? ',' : ''}${id}`);
  }
  process.stdout.write('\n');
}

function measurements(generation: Generation, session: Session<Model>, baseline: number) {
  const { ids, text, promptTokens, timeToFirstTokenMs, prefillTokensPerSecond, tokensPerSecond } =
    generation.result;
  const { model, budget, threads, memory, statistics } = session;
  return {
    ids,
    text: model.tokenizer ? text : null,
    promptTokens,
    timeToFirstTokenMs,
    prefillTokensPerSecond,
    tokensPerSecond,
    budgetBytes: Number.isFinite(budget) ? budget : null,
    enginePeakBytes: memory.reservedPeak,
    residentBaselineBytes: baseline,
    residentPeakBytes: processMemory().residentPeak,
    modelBytes: model.bytes,
    bytesRead: statistics.bytesRead,
    mode: 'progressive',
    threads,
  };
}

function summary(generation: Generation, { memory, budget }: Session): string {
  const { ids, timeToFirstTokenMs, tokensPerSecond } = generation.result;
  const speed = tokensPerSecond === null ? '' : `, ${tokensPerSecond.toFixed(1)} tokens/s`;
  const limit = Number.isFinite(budget) ? ` of ${formatBytes(budget)}` : '';
  const first = formatDuration(timeToFirstTokenMs ?? 0);
  return `${ids.length} tokens${speed}, first after ${first}, engine peak ${formatBytes(memory.reservedPeak)}${limit}`;
}
