/** A session of the native engine, on which one or several of ours run: its budget, and who says what that is. */
import { HyperionError } from '../errors';
import { EngineHolder } from '../memory/engine-holder';
import type { BudgetMember } from '../memory/shares';
import type { Recording } from '../monitoring/recording';
import { type NativeSessionOptions, native } from '../native';
import { mustShrink } from './options';
import { Seat, Sequences } from './sequences';

/** Who gives a session its budget, and takes it back when it leaves. */
export interface BudgetSource {
  /** resolves when the member has its share */
  join(member: BudgetMember): Promise<void>;
  leave(member: BudgetMember): void;
}

/** Nothing in here may refer to a session of ours: it is what their ends close. */
export class Engine implements BudgetMember {
  readonly holder: EngineHolder;
  /** of the budgets that it has had */
  largestBudget: number;
  /** the one that runs, or the last */
  recording: WeakRef<Recording> | undefined;
  #budget: number;
  #source: BudgetSource | undefined;
  #useful: number | undefined;
  #closed = false;
  readonly #sequences: Sequences;
  readonly #seats = new Set<Seat>();
  /** settles when the changes of the budget that were asked for have been made */
  #changes: Promise<void> = Promise.resolve();

  /** @param usefulBudget tells the bytes beyond which it could do nothing better */
  constructor(
    readonly id: number,
    readonly options: NativeSessionOptions,
    model: string,
    private readonly usefulBudget: () => number,
  ) {
    this.#budget = options.budget;
    this.largestBudget = options.budget;
    this.#sequences = new Sequences(id);
    this.holder = new EngineHolder('session', id, model, options.memory.strategy);
  }

  get budget(): number {
    return this.#budget;
  }

  get useful(): number {
    this.#useful ??= this.usefulBudget();
    return this.#useful;
  }

  get active(): boolean {
    return this.#sequences.active;
  }

  smallest(): number {
    return this.#closed ? 0 : native().smallestBudget(this.id, []);
  }

  held(): number {
    return this.#closed ? 0 : native().sessionMemory(this.id).reserved;
  }

  /** A place for one more session. */
  join(): Seat {
    const seat = new Seat(this.#sequences);
    this.#seats.add(seat);
    return seat;
  }

  /** Resolves when the session's memory is given back: all of the engine's with the last one. */
  leave(seat: Seat): Promise<void> {
    seat.left = true;
    this.#seats.delete(seat);
    return this.#seats.size === 0 ? this.#close() : this.#sequences.leave(seat);
  }

  /**
   * Whether sequences of a session with these lengths fit beside those of the others.
   *
   * @throws HyperionError `OVER_BUDGET`, `INVALID` for one that is longer than the context
   */
  reserve(seat: Seat, lengths: readonly number[]): void {
    native().reserve(this.id, seat.lengths(lengths));
  }

  /** One change after another, so that the last one asked for is the one that stays. */
  changeBudget(bytes: number): Promise<void> {
    const change = this.#changes.then(async () => {
      if (this.#closed) throw new HyperionError('CLOSED', 'the session is closed; open it again');
      await native().setSessionBudget(this.id, bytes);
      this.#budget = bytes;
      this.largestBudget = Math.max(this.largestBudget, bytes);
      this.recording?.deref()?.look();
    });
    this.#changes = change.catch(() => {});
    return change;
  }

  /**
   * From now on `source` says what the budget is, and the one before does no more.
   *
   * @throws HyperionError `INVALID` where the strategy cannot give memory back
   */
  async follow(source: BudgetSource | undefined): Promise<void> {
    if (source === this.#source) return;
    if (source) mustShrink(this.options);
    this.#source?.leave(this);
    this.#source = source;
    await source?.join(this);
  }

  #close(): Promise<void> {
    this.#closed = true;
    this.#sequences.close();
    void this.follow(undefined);
    return this.holder.close();
  }
}
