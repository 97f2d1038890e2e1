/** A session of the native engine, on which one or several of ours run: its budget, and who says what that is. */
import { HyperionError } from '../errors';
import { EngineHolder } from '../memory/engine-holder';
import type { SharedBudget } from '../memory/shared-budget';
import type { BudgetMember } from '../memory/shares';
import type { Recording } from '../monitoring/recording';
import { type NativeSessionOptions, native } from '../native';
import { formatBytes } from '../units';
import { mustShrink } from './options';
import { Seat, Sequences } from './sequences';

/** Nothing in here may refer to a session of ours: it is what their ends close. */
export class Engine implements BudgetMember {
  readonly holder: EngineHolder;
  /** of the budgets that it has had */
  largestBudget: number;
  /** the one that runs, or the last */
  recording: WeakRef<Recording> | undefined;
  #budget: number;
  #source: SharedBudget | undefined;
  #useful: number | undefined;
  #closed = false;
  readonly #sequences: Sequences;
  readonly #seats = new Set<Seat>();
  /** what sessions need that have not begun yet to hold it */
  readonly #wanted = new Map<Seat, number>();
  /** changes of the budget that are under way */
  #changing = 0;
  readonly #changed = () => {
    this.#changing -= 1;
  };
  /** settles when the changes of the budget that were asked for have been made */
  #changes: Promise<void> = Promise.resolve();

  /**
   * @param usefulBudget tells the bytes beyond which it could do nothing better
   * @param admitted false while others hold its budget: it may hold nothing then
   */
  constructor(
    readonly id: number,
    readonly options: NativeSessionOptions,
    model: string,
    private readonly usefulBudget: () => number,
    admitted = true,
  ) {
    this.#budget = admitted ? options.budget : 0;
    this.largestBudget = options.budget;
    this.#sequences = new Sequences(id);
    this.holder = new EngineHolder('session', id, model, options.memory.strategy);
  }

  get name(): string {
    return this.holder.name;
  }

  get budget(): number {
    return this.#budget;
  }

  get useful(): number {
    if (this.#closed) return 0;
    this.#useful ??= this.usefulBudget();
    return this.#useful;
  }

  get active(): boolean {
    return this.#sequences.active || this.#wanted.size > 0;
  }

  smallest(): number {
    return this.#closed ? 0 : Math.max(native().smallestBudget(this.id, []), ...this.#wanted.values());
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
    this.begun(seat);
    this.#seats.delete(seat);
    return this.#seats.size === 0 ? this.#close() : this.#sequences.leave(seat);
  }

  /**
   * Whether sequences of a session with these lengths fit beside those of the others.
   *
   * @throws HyperionError `OVER_BUDGET`, `INVALID` for one that is longer than the context
   */
  reserve(seat: Seat, lengths: readonly number[]): void {
    const all = seat.lengths(lengths);
    const shared = this.#shared;
    try {
      native().reserve(this.id, all);
    } catch (error) {
      // A share of a budget can grow.
      if (!shared || (error as HyperionError).code !== 'OVER_BUDGET') throw error;
    }
    shared?.mustHold(this, native().smallestBudget(this.id, all));
  }

  /**
   * Has the others make room for sequences of these lengths, where the budget is shared.
   *
   * @param lasting for a generation, which can use more than the least for longer than a pass
   * @returns undefined where nothing has to be waited for
   */
  prepare(seat: Seat, lengths: readonly number[], lasting: boolean): Promise<void> | undefined {
    const shared = this.#shared;
    if (!shared) return undefined;
    const needed = native().smallestBudget(this.id, seat.lengths(lengths));
    const fits = needed <= this.#budget && this.#changing === 0;
    return fits && !lasting ? undefined : this.#makeRoom(shared, seat, needed);
  }

  /** The budget keeps room for sequences of a session, in place of those before. */
  keepRoom(seat: Seat, lengths: readonly number[]): void {
    seat.keepRoom(lengths);
    this.begun(seat);
    if (!this.active) this.#shared?.ended();
  }

  /** What a session was to hold it holds, or it never will. */
  begun(seat: Seat): void {
    this.#wanted.delete(seat);
  }

  /** One change after another, so that the last one asked for is the one that stays. */
  changeBudget(bytes: number): Promise<void> {
    this.#changing += 1;
    const change = this.#changes.then(async () => {
      if (this.#closed) throw new HyperionError('CLOSED', 'the session is closed; open it again');
      await native().setSessionBudget(this.id, bytes);
      this.#budget = bytes;
      this.largestBudget = Math.max(this.largestBudget, bytes);
      this.recording?.deref()?.look();
    });
    this.#changes = change.then(this.#changed, this.#changed);
    return change;
  }

  /**
   * From now on `source` says what the budget is, and the one before does no more.
   *
   * @throws HyperionError `INVALID` where the strategy cannot give memory back
   */
  async follow(source: SharedBudget | undefined): Promise<void> {
    if (source === this.#source && source === this.#shared) return;
    if (source) mustShrink(this.options);
    this.#source?.leave(this);
    this.#source = source;
    await source?.join(this);
  }

  /** The shared budget that it is a member of. */
  get #shared(): SharedBudget | undefined {
    return this.#source?.has(this) ? this.#source : undefined;
  }

  async #makeRoom(source: SharedBudget, seat: Seat, needed: number): Promise<void> {
    try {
      source.mustHold(this, needed);
      this.#wanted.set(seat, needed);
      await source.rebalance();
      if (this.#budget < needed) throw refused(needed, this.#budget);
    } catch (error) {
      this.#wanted.delete(seat);
      throw error;
    }
  }

  #close(): Promise<void> {
    this.#closed = true;
    this.#sequences.close();
    const closed = this.holder.close();
    // Others may have its share when it holds nothing any more.
    const leave = () => this.follow(undefined);
    void closed.then(leave, leave);
    return closed;
  }
}

/** Others have begun meanwhile, and gone first. */
function refused(needed: number, budget: number): HyperionError {
  return new HyperionError(
    'OVER_BUDGET',
    `needs ${formatBytes(needed)}; the others who share the budget leave ${formatBytes(budget)} for now`,
    { neededBytes: needed, budgetBytes: budget },
  );
}
