/**
 * Stacks of errors in the user's lines, wherever they are printed: V8 asks `Error.prepareStackTrace` for the text of
 * `error.stack`. Frames of the kernel, of tslab and of Node are left out where frames of cells are shown.
 */
import type { CellCode, Place } from './cell-code';

const INTERNAL =
  /node:|[\\/]tslab[\\/]dist[\\/]|[\\/]dist[\\/]kernel[\\/]|^processTicksAndRejections|\(<anonymous>\)$/;
const PACKAGE = /[\\/]dist[\\/]src[\\/]/;
const FRAMES = 50;

export class Stacks {
  private readonly places = new WeakMap<object, Place>();

  constructor(private readonly cells: CellCode) {}

  install(): void {
    Error.stackTraceLimit = FRAMES;
    Error.prepareStackTrace = (error, sites) => this.format(error, sites.map(String));
  }

  /** Where in a cell the error was thrown, if it was. */
  place(error: unknown): Place | undefined {
    if (typeof error !== 'object' || error === null) return undefined;
    // Reading the stack makes V8 ask for it, which finds the place.
    void (error as Error).stack;
    return this.places.get(error);
  }

  /** The text of a stack of `frames`, V8's own lines without `at`. */
  format(error: Error, frames: readonly string[]): string {
    const lines = frames.map((frame) => ({ frame, place: this.cells.place(frame) }));
    const first = lines.find(({ place }) => place)?.place;
    if (!first) return [headline(error), ...frames.map((frame) => `    at ${frame}`)].join('\n');
    this.places.set(error, first);
    const shown = lines
      .filter(({ frame, place }) => place !== null && (place !== undefined || !isInternal(error, frame)))
      .map(({ frame, place }) => `    at ${place ? describe(frame, place) : frame}`);
    return [headline(error), ...shown].join('\n');
  }
}

export function headline(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error';
  }
}

// An error of the API is about its arguments; other errors in the package are about the package.
function isInternal({ name }: Error, frame: string): boolean {
  return INTERNAL.test(frame) || (name === 'HyperionError' && PACKAGE.test(frame));
}

function describe(frame: string, { name: script, line, column }: Place): string {
  const where = `${script}:${line}:${column}`;
  // `Proxy.f`: functions of earlier cells are called through tslab's object of exports.
  const name = /^(.*) \(/.exec(frame)?.[1]?.replace(/^(async )?Proxy\./, '$1');
  return name && !name.includes('<anonymous>') ? `${name} (${where})` : where;
}
