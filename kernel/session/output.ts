/** Everything that cells publish, each to the cell that it came from, in the order in which it came. */

import { log } from '../wire/log';
import type { Header, Json, Outgoing } from '../wire/message';
import { Cell, currentCell } from './cell';

type Publish = (
  type: string,
  content: Json,
  parent?: Header,
  extra?: Pick<Outgoing, 'metadata' | 'buffers'>,
) => void;
type StreamName = 'stdout' | 'stderr';

// Prints that follow one another within this time, up to this size, are one message: a tight loop does not flood.
const MERGE_MS = 20;
const MERGE_CHARACTERS = 64 * 1024;
// A cell that prints without end must not fill the memory of kernel, server and browser.
const MAX_PRINTED = 16 * 1024 * 1024;

export class Output {
  private latest = new Cell(0, 0);
  private pending: { cell: Cell; name: StreamName; text: string; since: number } | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly send: Publish) {}

  /** The cell that the running code belongs to; for code that lost its context, the latest. */
  get cell(): Cell {
    return currentCell.getStore() ?? this.latest;
  }

  /** A new execution begins; it gets what cannot be told otherwise. */
  begin(cell: Cell): void {
    this.latest = cell;
  }

  /** Publishes a message of `cell`, after what was printed before. */
  publish(
    type: string,
    content: Json,
    cell = this.cell,
    extra?: Pick<Outgoing, 'metadata' | 'buffers'>,
  ): void {
    this.flush();
    if (!cell.silent) this.send(type, content, cell.parent, extra);
  }

  /** Prints text to a stream of `cell`. */
  print(name: StreamName, text: string, cell = this.cell): void {
    const allowed = limit(cell, text);
    if (cell.silent || allowed === '') return;
    if (this.pending && (this.pending.cell !== cell || this.pending.name !== name)) this.flush();
    this.pending ??= { cell, name, text: '', since: performance.now() };
    this.pending.text += allowed;
    // A timer does not run while a cell loops; the next print then notices that it is time.
    const isDue = performance.now() - this.pending.since > MERGE_MS;
    if (isDue || this.pending.text.length > MERGE_CHARACTERS) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), MERGE_MS);
  }

  /** Sends what is still being merged. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { pending } = this;
    this.pending = undefined;
    if (pending === undefined) return;
    try {
      this.send('stream', { name: pending.name, text: pending.text }, pending.cell.parent);
    } catch (error) {
      log('cannot publish a stream', error);
    }
  }
}

function limit(cell: Cell, text: string): string {
  const left = MAX_PRINTED - cell.printed;
  if (left <= 0) return '';
  cell.printed += text.length;
  if (text.length <= left) return text;
  return `${text.slice(0, left)}\n… the rest of what this cell prints is not shown (more than ${MAX_PRINTED} characters)\n`;
}
