/** The history of a session's memory, kept within a fixed number of points however long the session runs. */
import type { MemorySample } from '../display';

/**
 * Samples in the order of time. When there are too many, neighbours are merged in pairs: of two, the one with more
 * bytes stays, so that peaks survive and the rest grows coarser evenly.
 */
export class SampleHistory {
  #samples: MemorySample[] = [];
  /** how many samples, as they come in, become one */
  #stride = 1;
  #pending: MemorySample | undefined;
  #newest: MemorySample | undefined;
  #count = 0;

  constructor(private readonly capacity = 2000) {}

  add(sample: MemorySample): void {
    this.#newest = sample;
    this.#pending = larger(this.#pending, sample);
    this.#count += 1;
    if (this.#count % this.#stride !== 0) return;
    this.#samples.push(this.#pending);
    this.#pending = undefined;
    if (this.#samples.length >= this.capacity) this.#halve();
  }

  /** All samples that are kept; the newest always is. */
  list(): MemorySample[] {
    const tail = new Set([this.#pending, this.#newest].filter((sample) => sample !== undefined));
    tail.delete(this.#samples.at(-1)!);
    return [...this.#samples, ...tail];
  }

  #halve(): void {
    const kept: MemorySample[] = [];
    for (let i = 0; i < this.#samples.length; i += 2)
      kept.push(larger(this.#samples[i], this.#samples[i + 1]!));
    this.#samples = kept;
    this.#stride *= 2;
  }
}

function larger(a: MemorySample | undefined, b: MemorySample | undefined): MemorySample {
  if (!a || !b) return (a ?? b)!;
  return a.currentBytes > b.currentBytes ? a : b;
}
