/** One execution of a cell (or one comm message): what outputs belong to and what an interrupt stops. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Header } from '../wire/message';

/** What interrupted code throws; also the name of the error that a notebook shows. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  constructor() {
    super('the cell was interrupted; its variables so far are kept');
  }
}

export class Cell {
  /** Aborted by an interrupt; long work in the cell listens to it. */
  readonly abort = new AbortController();
  /** Rejects with Interrupted at an interrupt, never resolves. */
  readonly interruption: Promise<never>;
  /** When a loop of the cell was first stopped, in ms of `performance.now()`. */
  stoppedAt: number | undefined;
  /** Are listeners of the signal running? */
  isTelling = false;
  /** Characters that the cell has printed. */
  printed = 0;
  /** Work that the cell waits for before it ends, beyond its own code. */
  readonly held: Promise<unknown>[] = [];

  /**
   * @param id unique in the process, from 1; 0 for what is not an execution
   * @param label the number that the user sees, e.g. 3 for `In [3]`
   * @param silent publishes nothing
   */
  constructor(
    readonly id: number,
    readonly label: number,
    readonly parent?: Header,
    readonly silent = false,
  ) {
    this.interruption = new Promise((_, reject) => {
      this.abort.signal.addEventListener('abort', () => reject(this.abort.signal.reason));
    });
    this.interruption.catch(() => {});
  }

  /** As errors name it. */
  get name(): string {
    return `cell [${this.label}]`;
  }

  get interrupted(): boolean {
    return this.abort.signal.aborted;
  }

  /** Aborts the signal; its listeners run now, and may loop to clean up (see `isTelling`). */
  interrupt(): void {
    this.isTelling = true;
    this.abort.abort(new Interrupted());
    this.isTelling = false;
  }
}

/** The cell of the running code, through every await, timer and callback that it started. */
export const currentCell = new AsyncLocalStorage<Cell>();
