/**
 * The memory in which the control thread asks the main thread to stop. A thread that is stuck in a loop reads no
 * messages; it can read this.
 */

const STOP = 0;
const RUNNING = 1;
const TARGET = 2;
const REQUESTED = 3;
const ACKNOWLEDGED = 4;

const NOTHING = 0;
const ONE_CELL = 1;
const EVERYTHING = 2;

export class StopFlag {
  /** Element 0 is non-zero while some code has to stop; loops in cells read it directly. */
  readonly cells: Int32Array;

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(5 * Int32Array.BYTES_PER_ELEMENT)) {
    this.cells = new Int32Array(memory);
  }

  /** Main thread: execution `id` (from 1) runs now; 0 when none does. */
  set running(id: number) {
    Atomics.store(this.cells, RUNNING, id);
  }

  /** The execution that runs, 0 if none. */
  get running(): number {
    return Atomics.load(this.cells, RUNNING);
  }

  /** Control thread: asks the running execution to stop. Returns a number for `acknowledged`. */
  request(): number {
    const { running } = this;
    Atomics.store(this.cells, TARGET, running);
    if (running !== 0) Atomics.store(this.cells, STOP, ONE_CELL);
    return Atomics.add(this.cells, REQUESTED, 1) + 1;
  }

  /** Control thread: whatever the main thread is in has to stop, of whichever cell it is. */
  requestEverything(): void {
    Atomics.store(this.cells, STOP, EVERYTHING);
  }

  acknowledged(request: number): boolean {
    return Atomics.load(this.cells, ACKNOWLEDGED) >= request;
  }

  /** Main thread: every request so far has been seen. */
  acknowledge(): void {
    Atomics.store(this.cells, ACKNOWLEDGED, Atomics.load(this.cells, REQUESTED));
  }

  /** Was it `id` that the last request meant? */
  concerns(id: number): boolean {
    const level = Atomics.load(this.cells, STOP);
    return level === EVERYTHING || (level === ONE_CELL && Atomics.load(this.cells, TARGET) === id);
  }

  /** Main thread: `true` while code of an interrupted cell may still be on its way; loops run at full speed at `false`. */
  set raised(raised: boolean) {
    Atomics.store(this.cells, STOP, raised ? ONE_CELL : NOTHING);
  }
}
