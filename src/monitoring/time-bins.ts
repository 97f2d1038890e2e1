/** Amounts that came about over time, in a fixed number of windows however long that is. */

export interface TimeBin {
  readonly startMs: number;
  readonly endMs: number;
  /** by row */
  readonly amounts: Float64Array;
}

/** When time runs out of the last window, windows are joined in pairs and are twice as wide from then on. */
export class TimeBins {
  readonly #amounts: Float64Array;
  #widthMs: number;

  constructor(
    private readonly rows: number,
    private readonly startMs: number,
    private readonly capacity = 512,
    widthMs = 2,
  ) {
    this.#amounts = new Float64Array(rows * capacity);
    this.#widthMs = widthMs;
  }

  /** Adds to a row an amount that came about evenly over a stretch of time. What lies before the start counts as at the start. */
  add(row: number, fromMs: number, toMs: number, amount: number): void {
    const from = Math.max(0, fromMs - this.startMs);
    const to = Math.max(from, toMs - this.startMs);
    while (to >= this.capacity * this.#widthMs) this.#halve();
    const [first, last] = [Math.floor(from / this.#widthMs), Math.floor(to / this.#widthMs)];
    for (let bin = first; bin <= last; bin++) {
      const begin = Math.max(from, bin * this.#widthMs);
      const end = Math.min(to, (bin + 1) * this.#widthMs);
      this.#amounts[bin * this.rows + row]! += to > from ? (amount * (end - begin)) / (to - from) : amount;
    }
  }

  /** The windows up to a moment; the last one ends there. */
  list(untilMs: number): TimeBin[] {
    const until = Math.min(untilMs - this.startMs, this.capacity * this.#widthMs);
    return Array.from({ length: Math.max(0, Math.ceil(until / this.#widthMs)) }, (_, bin) => ({
      startMs: this.startMs + bin * this.#widthMs,
      endMs: this.startMs + Math.min(until, (bin + 1) * this.#widthMs),
      amounts: this.#amounts.slice(bin * this.rows, (bin + 1) * this.rows),
    }));
  }

  #halve(): void {
    const { rows } = this;
    const half = this.capacity / 2;
    for (let bin = 0; bin < half; bin++) {
      for (let row = 0; row < rows; row++) {
        const at = 2 * bin * rows + row;
        this.#amounts[bin * rows + row] = this.#amounts[at]! + this.#amounts[at + rows]!;
      }
    }
    this.#amounts.fill(0, half * rows);
    this.#widthMs *= 2;
  }
}
