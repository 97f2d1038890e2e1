/** Progress of long work: a bar that moves in a notebook, a line that is rewritten in a terminal, one line in a log. */
import { formatBytes, formatCount, formatDuration } from '../units';
import { escapeHtml, HTML, jupyterDisplay, type MimeBundle, TEXT } from './mime';
import { type DisplayHandle, display, kernelHost } from './notebook';

export interface ProgressOptions {
  /** What is counted. Default `count`. */
  readonly unit?: 'bytes' | 'count';
  /** Where the line goes outside a notebook. Default: standard error. */
  readonly out?: { readonly isTTY?: boolean; write(text: string): unknown };
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

const MS_BETWEEN_REDRAWS = 100;
const BAR_WIDTH = 24;

/**
 * Shows how far long work has come. It redraws at most ten times per second, so `update` may be called at will.
 *
 * @example
 * ```ts
 * const progress = new Progress('writing weights', 2 ** 30, { unit: 'bytes' });
 * progress.update(2 ** 29); // writing weights  ████████████░░░░░░░░░░░░  50%  512.0 MiB of 1.0 GiB  1.1 GiB/s  0.47 s left
 * progress.finish();
 * ```
 */
export class Progress {
  readonly total: number | undefined;
  #done = 0;
  #drawnMs = -Infinity;
  #finished = false;
  #handle: DisplayHandle | undefined;
  readonly #unit: 'bytes' | 'count';
  readonly #out: NonNullable<ProgressOptions['out']>;
  readonly #now: () => number;
  readonly #startMs: number;
  #elapsedMs = 0;

  /** @param total what `update` will reach at the end; undefined when that is unknown */
  constructor(
    readonly label: string,
    total: number | undefined,
    { unit = 'count', out = process.stderr, now = () => performance.now() }: ProgressOptions = {},
  ) {
    this.total = total !== undefined && total > 0 ? total : undefined;
    this.#unit = unit;
    this.#out = out;
    this.#now = now;
    this.#startMs = now();
    this.#draw();
  }

  /** The work has come as far as `done`, of `total`. */
  update(done: number): void {
    if (this.#finished) return;
    this.#done = done;
    if (this.#now() - this.#drawnMs >= MS_BETWEEN_REDRAWS) this.#draw();
  }

  /** The work has ended; the last state stays on show. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#draw();
    void this.#handle?.done();
    if (!this.#handle) this.#out.write(`${this.#out.isTTY ? '' : this.toString()}\n`);
  }

  [Symbol.dispose](): void {
    this.finish();
  }

  toString(): string {
    const share = this.#share();
    const bar = share === undefined ? [] : [blocks(share), `${Math.floor(share * 100)}%`];
    return [this.label, ...bar, ...this.#facts()].join('  ');
  }

  [jupyterDisplay](): MimeBundle {
    const share = this.#share();
    const value = share === undefined ? '' : ` value="${share.toFixed(4)}"`;
    const html =
      `<div><label>${escapeHtml(this.label)} <progress max="1"${value}></progress></label> ` +
      `<span style="font-variant-numeric:tabular-nums">${escapeHtml(this.#facts().join(', '))}</span></div>`;
    return { [HTML]: html, [TEXT]: this.toString() };
  }

  #draw(): void {
    this.#drawnMs = this.#now();
    this.#elapsedMs = this.#drawnMs - this.#startMs;
    if (this.#handle) this.#handle.update(this);
    else if (kernelHost()) this.#handle = display(this, { live: true });
    // Back to the start of the line, and clear to its end.
    else if (this.#out.isTTY) this.#out.write(`\r${this}\u001b[K`);
  }

  #share(): number | undefined {
    return this.total && Math.min(1, Math.max(0, this.#done / this.total));
  }

  /** How much, how fast, and how much longer. */
  #facts(): string[] {
    const amount = this.#unit === 'bytes' ? formatBytes : formatCount;
    const facts = [
      this.total === undefined ? amount(this.#done) : `${amount(this.#done)} of ${amount(this.total)}`,
    ];
    const perMs = this.#done / this.#elapsedMs;
    if (Number.isFinite(perMs) && perMs > 0)
      facts.push(`${this.#unit === 'bytes' ? formatBytes(perMs * 1000) : formatRate(perMs * 1000)}/s`);
    if (this.#finished) facts.push(formatDuration(this.#elapsedMs));
    else if (this.total !== undefined && perMs > 0 && Number.isFinite(perMs))
      facts.push(`${formatDuration(Math.max(0, this.total - this.#done) / perMs)} left`);
    return facts;
  }
}

function formatRate(perSecond: number): string {
  return perSecond < 100 ? perSecond.toFixed(1) : formatCount(perSecond);
}

function blocks(share: number): string {
  const full = Math.round(share * BAR_WIDTH);
  return '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
}
