/** A measured run of our own engine, in one of several ways, as a process of its own. */
import { createHash } from 'node:crypto';
import { type Model, openModel } from '../../inference/model';
import type { Session } from '../../inference/session';
import { resetResidentPeak } from '../../monitoring/counters';
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

/**
 * `streamed` into the budget; `batch`, the same for several prompts at once; `preloaded`, with all weights read by a pass before; `mapped`
 * files, which only the cap bounds.
 */
export type OwnWay = 'streamed' | 'batch' | 'preloaded' | 'mapped';

export interface RunOptions extends ChildOptions {
  readonly way: OwnWay;
  /** bytes; null for no limit */
  readonly budget: number | null;
}

export const BATCH_PROMPTS = 8;

async function run(options: RunOptions): Promise<RunResult> {
  const { way, budget, threads } = options;
  const model = await openModel(options.model, { tokenizer: false });
  resetResidentPeak();
  await waitForCap();
  const session = model.session({
    threads,
    ...(way === 'mapped' ? { io: 'mmap' } : { budget: budget ?? undefined }),
  });
  if (way === 'preloaded') {
    await session.forward([0]);
    session.reset();
  }
  const measured = await (way === 'batch' ? measureBatch(session, options) : measureOne(session, options));
  model.close();
  await session.closed;
  return { ...measured, residentPeakBytes: residentPeak() };
}

type Measured = Omit<RunResult, 'residentPeakBytes'>;

async function measureOne(session: Session<Model>, options: RunOptions): Promise<Measured> {
  let ids = Array.from({ length: options.promptTokens }, (_, position) => idAt(position, options));
  let position = ids.length;
  let logits: Float32Array | undefined;
  const speed = await measurePasses(options, 1, async () => {
    logits = (await session.forward(ids, { append: logits !== undefined })).data;
    ids = [idAt(position++, options)];
  });
  return { ...speed, logits: createHash('sha256').update(logits!).digest('hex') };
}

/** Prompts of different tokens, which continue with what the model makes of them. */
async function measureBatch(session: Session<Model>, options: RunOptions): Promise<Measured> {
  const { promptTokens, tokens } = options;
  const prompts = Array.from({ length: BATCH_PROMPTS }, (_, prompt) =>
    Array.from({ length: promptTokens }, (_, position) => idAt(prompt * promptTokens + position, options)),
  );
  const batch = session.generateBatch(prompts, { maxTokens: 1 + WARM_UP_TOKENS + tokens });
  const speed = await measurePasses(options, BATCH_PROMPTS, async () => {
    for (let i = 0; i < BATCH_PROMPTS; i += 1) await batch.next();
  });
  return { ...speed, logits: null };
}

if (require.main === module) runChild(run);
