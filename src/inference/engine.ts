/** A session of the engine: its number, its budget, and who says what that is. */

import { HyperionError } from '../errors';
import { EngineHolder } from '../memory/engine-holder';
import type { BudgetMember } from '../memory/shares';
import { type NativeSessionOptions, native } from '../native';
import { mustShrink } from './options';

/** Who gives a session its budget, and takes it back when it leaves. */
export interface BudgetSource {
  /** resolves when the member has its share */
  join(member: BudgetMember): Promise<void>;
  leave(member: BudgetMember): void;
}

/** Nothing in here may refer to the session: it is what the session's end closes. */
export class Engine implements BudgetMember {
  readonly holder: EngineHolder;
  /** of the budgets that it has had */
  largestBudget: number;
  #budget: number;
  #source: BudgetSource | undefined;
  #useful: number | undefined;
  #active = false;
  #closed = false;
  /** settles when the changes of the budget that were asked for have been made */
  #changes: Promise<void> = Promise.resolve();

  /** @param usefulBudget tells the bytes beyond which it could do nothing better */
  constructor(
    private readonly id: number,
    readonly options: NativeSessionOptions,
    model: string,
    private readonly usefulBudget: () => number,
  ) {
    this.#budget = options.budget;
    this.largestBudget = options.budget;
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
    return this.#active;
  }

  smallest(): number {
    return this.#closed ? 0 : native().smallestBudget(this.id, []);
  }

  held(): number {
    return this.#closed ? 0 : native().sessionMemory(this.id).reserved;
  }

  /** The budget keeps room for sequences of these lengths, by number, in place of those before. */
  keepRoom(lengths: readonly number[]): void {
    native().keepRoom(this.id, lengths);
    this.#active = lengths.some((length) => length > 0);
  }

  /** One change after another, so that the last one asked for is the one that stays. */
  changeBudget(bytes: number): Promise<void> {
    const change = this.#changes.then(async () => {
      if (this.#closed) throw new HyperionError('CLOSED', 'the session is closed; open it again');
      await native().setSessionBudget(this.id, bytes);
      this.#budget = bytes;
      this.largestBudget = Math.max(this.largestBudget, bytes);
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

  /** Resolves when the session's memory is given back. */
  close(): Promise<void> {
    this.#closed = true;
    void this.follow(undefined);
    return this.holder.close();
  }
}
