/** Showing values: richly where a Hyperion kernel runs the cell, as text on standard output everywhere else. */
import { inspect } from 'node:util';
import { Figure } from './figure';
import { isDisplayable, jupyterDisplay, type MimeBundle, TEXT } from './mime';

/** What the kernel offers to the code of its cells. */
export interface KernelHost {
  display(bundle: MimeBundle, options?: { displayId?: string; update?: boolean; metadata?: object }): void;
  clearOutput(wait?: boolean): void;
  /** Aborted when the running cell is interrupted. */
  readonly signal: AbortSignal;
  /** Keeps the running cell open until `work` settles, so that what it still shows belongs to the cell. */
  hold(work: Promise<unknown>): void;
}

/** The kernel in which this code runs; undefined in a plain process. */
export function kernelHost(): KernelHost | undefined {
  return (globalThis as { [key: symbol]: KernelHost | undefined })[Symbol.for('hyperion.kernel')];
}

export interface DisplayOptions {
  /** Names the display, so that other code can update it. Default: a new name. */
  readonly id?: string;
  /** Whether updates follow: then a terminal waits for the last one and prints that alone. Default false. */
  readonly live?: boolean;
}

/** A value on show, which another can replace. */
export interface DisplayHandle {
  readonly id: string;
  /** Shows `value` in the same place. In a notebook at once; elsewhere it waits for `done`. */
  update(value: unknown): void;
  /** Shows the last value in full, with the static picture of a figure. Resolves when it has been sent. */
  done(): Promise<void>;
}

let displays = 0;

/**
 * Shows a value: anything with `Symbol.for('Jupyter.display')` in its richest form, the rest as Node prints it.
 *
 * @example
 * ```ts
 * const handle = display('working', { live: true });
 * handle.update('worked');
 * await handle.done(); // outside a notebook this prints 'worked'
 * ```
 */
export function display(value: unknown, options: DisplayOptions = {}): DisplayHandle {
  displays += 1;
  const id = options.id ?? `hyperion-${process.pid}-${displays}`;
  const host = kernelHost();
  const handle = host ? new NotebookDisplay(host, id, value) : new TextDisplay(id, value);
  if (!options.live) void handle.done();
  return handle;
}

class NotebookDisplay implements DisplayHandle {
  constructor(
    private readonly host: KernelHost,
    readonly id: string,
    private value: unknown,
  ) {
    this.#send(quickBundle(value), false);
  }

  update(value: unknown): void {
    this.value = value;
    this.#send(quickBundle(value), true);
  }

  done(): Promise<void> {
    const work = this.#finish();
    this.host.hold(work);
    return work;
  }

  async #finish(): Promise<void> {
    const value = this.value;
    const bundle = await fullBundle(value);
    // A later update has taken the place while this bundle was made.
    if (value === this.value) this.#send(bundle, true);
  }

  #send(bundle: MimeBundle, update: boolean): void {
    this.host.display(bundle, { displayId: this.id, update });
  }
}

class TextDisplay implements DisplayHandle {
  #printed = false;

  constructor(
    readonly id: string,
    private value: unknown,
  ) {}

  update(value: unknown): void {
    this.value = value;
    this.#printed = false;
  }

  async done(): Promise<void> {
    if (this.#printed) return;
    this.#printed = true;
    process.stdout.write(`${quickBundle(this.value)[TEXT]}\n`);
  }
}

/** The forms of a value that are at hand now; text/plain is always one of them. */
export function quickBundle(value: unknown): MimeBundle {
  const bundle = value instanceof Figure ? value.liveBundle() : ownBundle(value);
  return { [TEXT]: plainText(value), ...(bundle instanceof Promise ? {} : bundle) };
}

/** All forms of a value. One that fails to show itself is shown as Node prints it. */
export async function fullBundle(value: unknown): Promise<MimeBundle> {
  const bundle = await Promise.resolve(ownBundle(value)).catch(() => ({}));
  return { [TEXT]: plainText(value), ...bundle };
}

function ownBundle(value: unknown): MimeBundle | Promise<MimeBundle> {
  try {
    return isDisplayable(value) ? value[jupyterDisplay]() : {};
  } catch {
    return {};
  }
}

function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  const speaks = isDisplayable(value) && value.toString !== Object.prototype.toString;
  return speaks ? String(value) : inspect(value);
}
