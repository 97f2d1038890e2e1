/**
 * Stops cells on the main thread. Loops in cells call `check` while the flag is raised (see guard.ts); a pending await
 * is abandoned; a synchronous call into other code is broken by SIGINT, sent by the wire thread when nothing answers.
 */
import type { StopFlag } from '../wire/stop-flag';
import { type Cell, currentCell, Interrupted } from './cell';

// Once stopped, a cell may loop in its `finally` and `catch` for this long; then it is stopped for good.
const GRACE_MS = 1000;

export class Interrupts {
  private running: Cell | undefined;
  // Cells whose code has not settled: it may go on in the background after the cell was reported as interrupted.
  private readonly unsettled = new Set<Cell>();

  constructor(private readonly stop: StopFlag) {}

  begin(cell: Cell): void {
    this.running = cell;
    this.stop.running = cell.id;
    this.lower();
  }

  end(): void {
    this.running = undefined;
    this.stop.running = 0;
    this.lower();
  }

  /** Follows the code of the running cell to its end. */
  track<T>(code: Promise<T>): Promise<T> {
    const cell = this.running;
    if (cell === undefined) return code;
    this.unsettled.add(cell);
    const settled = () => {
      this.unsettled.delete(cell);
      this.lower();
    };
    code.then(settled, settled);
    return code;
  }

  /** Called in loops while the flag is raised. Throws Interrupted where an interrupt concerns the code. */
  check(): void {
    const cell = currentCell.getStore() ?? this.running;
    if (!cell?.interrupted && !this.stop.concerns(cell?.id ?? 0)) return;
    const now = performance.now();
    if (cell?.isTelling) return;
    if (cell?.stoppedAt !== undefined && now - cell.stoppedAt < GRACE_MS) return;
    this.stop.acknowledge();
    if (cell) {
      cell.stoppedAt ??= now;
      cell.interrupt();
    }
    throw new Interrupted();
  }

  /** The event loop is alive and heard of an interrupt: stops the running cell; when idle there is nothing to do. */
  heard(): void {
    this.stop.acknowledge();
    const { running } = this;
    if (running !== undefined && this.stop.concerns(running.id)) running.interrupt();
    else this.lower();
  }

  /** The cell that runs now. */
  get cell(): Cell | undefined {
    return this.running;
  }

  private lower(): void {
    const { running } = this;
    const asked = running !== undefined && (running.interrupted || this.stop.concerns(running.id));
    this.stop.raised = asked || [...this.unsettled].some((cell) => cell.interrupted);
  }
}
