/**
 * What every measured run of `hyperion bench loading` does, ours and those of peers, as a process of its own: it says what is resident,
 * waits until it is capped, computes a prompt, and then measures one token after another.
 */
import { HyperionError, type HyperionErrorCode, type HyperionErrorDetails } from '../../errors';
import { storageBytesRead } from '../../monitoring/storage';
import { kilobytesIn, readSystemFile } from '../../monitoring/system-file';

export interface ChildOptions {
  readonly model: string;
  readonly vocabularySize: number;
  readonly threads: number;
  readonly promptTokens: number;
  /** passes that are measured, each of which gives a token to every prompt */
  readonly tokens: number;
}

/** What one run measured. Sizes in bytes, times in milliseconds. */
export interface RunResult {
  readonly timeToFirstTokenMs: number;
  /** of all prompts together */
  readonly tokensPerSecond: number;
  /** fetched from storage in a measured pass, as the kernel counts (/proc/self/io, read_bytes); null where it does not */
  readonly bytesPerPass: number | null;
  /** VmHWM */
  readonly residentPeakBytes: number;
  /** SHA-256 of the last token's logits; null of peers, which compute otherwise */
  readonly logits: string | null;
}

export type Report =
  | { readonly kind: 'ready'; readonly residentBytes: number }
  | { readonly kind: 'result'; readonly result: RunResult }
  | {
      readonly kind: 'failed';
      /** null for what is no error of ours */
      readonly code: HyperionErrorCode | null;
      readonly message: string;
      readonly details: HyperionErrorDetails;
    };

/** Passes before the measured ones: the weights that stay resident have come by then. */
export const WARM_UP_TOKENS = 2;

/** Runs what the only argument describes, reports its result or its failure, and lets the process end. */
export function runChild<Options>(run: (options: Options) => Promise<RunResult>): void {
  run(JSON.parse(process.argv[2]!))
    .then((result) => report({ kind: 'result', result }))
    .catch((error) => {
      const { code, details } = error instanceof HyperionError ? error : { code: null, details: {} };
      report({ kind: 'failed', code, message: String(error?.message ?? error), details });
    })
    .finally(() => process.disconnect());
}

/** Resolves when the cap is set. What is resident at this call is the baseline. */
export function waitForCap(): Promise<void> {
  const capped = new Promise<void>((resolve) => process.once('message', () => resolve()));
  report({ kind: 'ready', residentBytes: statusBytes('VmRSS') });
  return capped;
}

export function residentPeak(): number {
  return statusBytes('VmHWM');
}

/** The token of a position, of prompts and of what follows them alike. */
export function idAt(position: number, { vocabularySize }: ChildOptions): number {
  return position % vocabularySize;
}

/** Measures passes of which the first computes the prompt. `pass` resolves when the token after it is known. */
export async function measurePasses(
  { tokens }: ChildOptions,
  prompts: number,
  pass: () => Promise<void>,
): Promise<Pick<RunResult, 'timeToFirstTokenMs' | 'tokensPerSecond' | 'bytesPerPass'>> {
  const began = performance.now();
  await pass();
  const timeToFirstTokenMs = performance.now() - began;
  for (let i = 0; i < WARM_UP_TOKENS; i += 1) await pass();
  const [readBefore, measured] = [storageBytesRead(), performance.now()];
  for (let i = 0; i < tokens; i += 1) await pass();
  const seconds = (performance.now() - measured) / 1000;
  const readAfter = storageBytesRead();
  const bytesPerPass = readBefore === null || readAfter === null ? null : (readAfter - readBefore) / tokens;
  return { timeToFirstTokenMs, tokensPerSecond: (tokens * prompts) / seconds, bytesPerPass };
}

function statusBytes(field: string): number {
  return kilobytesIn(readSystemFile('/proc/self/status'), field) ?? 0;
}

function report(message: Report): void {
  process.send!(message);
}
