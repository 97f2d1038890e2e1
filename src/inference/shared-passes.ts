/** Sequences that share every forward pass of a session: weights are loaded once for all of them. */
import type { Passes, Sequence, Turn } from './passes';
import type { Part } from './sequences';

/** What a sequence waits for. */
interface Ask extends Part {
  readonly results: Float32Array;
  resolve(): void;
  reject(error: unknown): void;
}

/** A pass runs when every sequence that has not left has asked for one. */
export class SharedPasses {
  /** tokens that each sequence has at most */
  readonly #live = new Map<number, number>();
  #turn: Turn | undefined;
  #asks: Ask[] = [];

  constructor(
    private readonly passes: Passes,
    private readonly signal: AbortSignal,
  ) {}

  /** One more sequence. REQUIRES: none has asked yet. */
  sequence(number: number, mostTokens: number): Sequence {
    this.#live.set(number, mostTokens);
    return {
      append: (ids, rows, results) => this.#ask({ sequence: number, ids, rows, results }),
      rewind: (position) => this.#turn?.rewind(number, position),
      end: () => {},
    };
  }

  /** Gives the memory of a sequence back; the others go on without it. */
  leave(number: number): void {
    if (!this.#live.delete(number)) return;
    this.#turn?.rewind(number, 0);
    this.#keepRoom();
  }

  #keepRoom(): void {
    this.#turn?.keepRoom(this.#lengths());
  }

  #lengths(): number[] {
    const count = Math.max(-1, ...this.#live.keys()) + 1;
    return Array.from({ length: count }, (_, number) => this.#live.get(number) ?? 0);
  }

  #ask(part: Omit<Ask, 'resolve' | 'reject'>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#asks.push({ ...part, resolve, reject });
      if (this.#asks.length === this.#live.size) void this.#run(this.#asks.splice(0));
    });
  }

  async #run(asks: readonly Ask[]): Promise<void> {
    try {
      if (!this.#turn) {
        await this.passes.prepare(this.#lengths(), true);
        this.#turn = this.passes.restart();
        this.#keepRoom();
      }
      const results = new Float32Array(asks.reduce((sum, ask) => sum + ask.results.length, 0));
      await this.#turn.run(asks, results, this.signal);
      let begin = 0;
      for (const ask of asks) {
        ask.results.set(results.subarray(begin, begin + ask.results.length));
        begin += ask.results.length;
        ask.resolve();
      }
    } catch (error) {
      for (const ask of asks) ask.reject(error);
    }
  }
}
