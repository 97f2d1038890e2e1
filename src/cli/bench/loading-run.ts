/**
 * One measured run of `hyperion bench loading`, as a process of its own: it opens the model, says what is resident, waits until it
 * is capped, and then prefills and decodes.
 */
import { createHash } from 'node:crypto';
import { HyperionError, type HyperionErrorCode, type HyperionErrorDetails } from '../../errors';
import { openModel } from '../../inference/model';
import { processMemory, resetResidentPeak } from '../../monitoring/counters';
import { storageBytesRead } from '../../monitoring/storage';

/** Ours, or the peer. */
export type Way = 'streamed' | 'mapped';

export interface RunOptions {
  readonly model: string;
  readonly way: Way;
  /** bytes */
  readonly budget: number;
  readonly threads: number;
  readonly promptTokens: number;
  /** decode steps that are measured */
  readonly tokens: number;
}

/** What one run measured. Sizes in bytes, times in milliseconds. */
export interface RunResult {
  readonly timeToFirstTokenMs: number;
  readonly tokensPerSecond: number;
  /** fetched from storage per measured token, as the kernel counts; null where it does not */
  readonly bytesPerToken: number | null;
  readonly residentPeakBytes: number;
  /** SHA-256 of the last token's logits */
  readonly logits: string;
}

export type Report =
  | { readonly kind: 'ready'; readonly residentBaselineBytes: number }
  | { readonly kind: 'result'; readonly result: RunResult }
  | {
      readonly kind: 'failed';
      readonly code: HyperionErrorCode;
      readonly message: string;
      readonly details: HyperionErrorDetails;
    };

/** Decode steps before the measured ones: the weights that stay resident have come by then. */
export const WARM_UP_TOKENS = 2;

async function run(options: RunOptions): Promise<RunResult> {
  const { way, budget, threads, promptTokens, tokens } = options;
  const model = await openModel(options.model, { tokenizer: false });
  // Pages that another process brought into the cache would be charged to it, and cost a mapping nothing.
  model.dropCache();
  resetResidentPeak();
  const go = new Promise((resolve) => process.once('message', resolve));
  report({ kind: 'ready', residentBaselineBytes: processMemory().resident });
  await go;

  // The cap alone bounds what mapped weights take.
  const session = model.session(way === 'mapped' ? { threads, io: 'mmap' } : { budget, threads });
  const id = (position: number) => position % model.vocabularySize;
  const began = performance.now();
  await session.forward(Array.from({ length: promptTokens }, (_, position) => id(position)));
  const timeToFirstTokenMs = performance.now() - began;
  const decode = (position: number) => session.forward([id(position)], { append: true });
  let position = promptTokens;
  while (position < promptTokens + WARM_UP_TOKENS) await decode(position++);

  const [readBefore, measured] = [storageBytesRead(), performance.now()];
  let last = await decode(position++);
  while (position < promptTokens + WARM_UP_TOKENS + tokens) last = await decode(position++);
  const seconds = (performance.now() - measured) / 1000;
  const readAfter = storageBytesRead();

  model.close();
  await session.closed;
  return {
    timeToFirstTokenMs,
    tokensPerSecond: tokens / seconds,
    bytesPerToken: readBefore === null || readAfter === null ? null : (readAfter - readBefore) / tokens,
    residentPeakBytes: processMemory().residentPeak,
    logits: createHash('sha256').update(last.data).digest('hex'),
  };
}

function report(message: Report): void {
  process.send!(message);
}

if (require.main === module) {
  run(JSON.parse(process.argv[2]!))
    .then((result) => report({ kind: 'result', result }))
    .catch((error) => {
      if (!(error instanceof HyperionError)) throw error;
      report({ kind: 'failed', code: error.code, message: error.message, details: error.details });
    })
    .finally(() => process.disconnect());
}
