/**
 * A measured run of llama.cpp through node-llama-cpp, as a process of its own: the same file, mapped; the same tokens, given one by one,
 * so that what it would choose does not matter.
 */
import { pathToFileURL } from 'node:url';
import {
  type ChildOptions,
  idAt,
  measurePasses,
  type RunResult,
  residentPeak,
  runChild,
  WARM_UP_TOKENS,
  waitForCap,
} from './loading-child';

export interface LlamaOptions extends ChildOptions {
  /** the package's entry */
  readonly entry: string;
}

/** What is used of the package. */
interface LlamaPackage {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<LlamaModel> }>;
}
interface LlamaModel {
  createContext(options: object): Promise<{ getSequence(): LlamaSequence }>;
}
interface LlamaSequence {
  controlledEvaluate(tokens: readonly (number | readonly [number, object])[]): Promise<unknown>;
}

/** Makes it compute the logits of that token. */
const NEXT = { generateNext: { token: true, options: { temperature: 0 } } };

async function run(options: LlamaOptions): Promise<RunResult> {
  const { threads, promptTokens, tokens } = options;
  const { getLlama }: LlamaPackage = await import(pathToFileURL(options.entry).href);
  // Nothing is built or downloaded; what the package warns of in random weights is not said.
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: 'fatal',
    maxThreads: threads,
  });
  await waitForCap();
  const began = performance.now();
  const model = await llama.loadModel({
    modelPath: options.model,
    useMmap: true,
    ignoreMemorySafetyChecks: true,
  });
  const contextSize = promptTokens + WARM_UP_TOKENS + tokens + 1;
  const context = await model.createContext({
    contextSize,
    batchSize: promptTokens,
    threads,
    ignoreMemorySafetyChecks: true,
  });
  const sequence = context.getSequence();
  const loadMs = performance.now() - began;

  let position = promptTokens;
  let next: readonly (number | readonly [number, object])[] = [
    ...Array.from({ length: promptTokens - 1 }, (_, i) => idAt(i, options)),
    [idAt(promptTokens - 1, options), NEXT],
  ];
  const speed = await measurePasses(options, 1, async () => {
    await sequence.controlledEvaluate(next);
    next = [[idAt(position++, options), NEXT]];
  });
  const timeToFirstTokenMs = loadMs + speed.timeToFirstTokenMs;
  return { ...speed, timeToFirstTokenMs, residentPeakBytes: residentPeak(), logits: null };
}

if (require.main === module) runChild(run);
