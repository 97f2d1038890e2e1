/** A budget for sessions of several models: none of them holds what another one was given. */

import { jupyterDisplay, type MimeBundle, Table } from '../display';
import { HyperionError } from '../errors';
import { formatBytes } from '../units';
import { parseBudget } from './budget';
import { type Opening, SharedBudget } from './shared-budget';
import type { BudgetMember, Claim } from './shares';

/** A session in a group. Sizes in bytes. */
export interface GroupMember {
  readonly name: string;
  /** its share now; 0 until the others have made room for it */
  readonly budget: number;
  readonly held: number;
  /** the least with which it goes on as it is */
  readonly smallest: number;
  /** whether it generates */
  readonly active: boolean;
}

/**
 * A budget that sessions share, of one model or of several. Their budgets never exceed it together. It is divided anew when a session
 * joins or leaves, when one begins or ends a generation, and when one needs more than it has: the least for each first, then what
 * the generating ones can use, in proportion, then the others.
 *
 * @throws HyperionError `INVALID` for what is no size
 * @example
 * ```ts
 * const group = createBudgetGroup('16 MiB');
 * const [model, encoder] = [await openModel('model'), await openModel('encoder')];
 * const session = model.session({ budget: group });
 * const other = encoder.session({ budget: group });
 * await session.generate([1, 2, 3], { maxTokens: 4 }).text();
 * session.budget + other.budget <= group.budget; // true
 * group.members.length; // 2
 * ```
 */
export function createBudgetGroup(budget: number | string): BudgetGroup {
  return new BudgetGroup(finite(budget));
}

export class BudgetGroup extends SharedBudget {
  protected readonly name = "the group's budget";
  #budget: number;
  #closed = false;

  /** Groups come from `createBudgetGroup()`. */
  constructor(budget: number) {
    super();
    this.#budget = budget;
  }

  /** bytes */
  get budget(): number {
    return this.#budget;
  }

  get members(): readonly GroupMember[] {
    if (this.#closed) return [];
    return [...this.shares.members].map((member) => ({
      name: member.name,
      budget: member.budget,
      held: member.held(),
      smallest: member.smallest(),
      active: member.active,
    }));
  }

  /**
   * Another budget for all members together. Resolves when they hold no more than that.
   *
   * @throws HyperionError `OVER_BUDGET` with `details.smallestBudgetBytes` below what they need together, `INVALID` for what is no
   *   size, `CLOSED`. The budget stays as it was then.
   */
  async setBudget(budget: number | string): Promise<void> {
    const bytes = finite(budget);
    this.#mustBeOpen();
    const smallest = this.shares.smallest();
    if (bytes < smallest) throw tooSmall(bytes, smallest);
    const before = this.#budget;
    this.#budget = bytes;
    await this.rebalance();
    const taken = this.shares.budgets();
    if (taken <= bytes || this.#budget !== bytes) return;
    // A generation has begun meanwhile.
    this.#budget = before;
    await this.rebalance();
    throw tooSmall(bytes, this.shares.smallest());
  }

  /** Ends the group: its sessions keep the budgets that they have. Doing it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Who has joined just now has its share first.
    void this.rebalance().finally(() => this.shares.members.clear());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  table(): Table {
    const bytes = (label: string) => ({ label, unit: 'bytes' }) as const;
    const rows = this.members.map(({ name, budget, held, smallest, active }) => [
      ...[name, budget, held, smallest],
      active ? 'yes' : 'no',
    ]);
    return new Table(['session', bytes('budget'), bytes('held'), bytes('smallest'), 'generates'], rows, {
      caption: this.#closed ? 'closed' : `budget group of ${formatBytes(this.#budget)}`,
    });
  }

  override toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }

  override opening(claim: Omit<Claim, 'active'>): Opening {
    this.#mustBeOpen();
    return super.opening(claim);
  }

  override async join(member: BudgetMember): Promise<void> {
    this.#mustBeOpen();
    await super.join(member);
  }

  protected total(): number {
    return this.#budget;
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new HyperionError('CLOSED', 'the budget group is closed; create another one');
  }
}

function finite(budget: number | string): number {
  const bytes = parseBudget(budget ?? Number.NaN);
  if (Number.isFinite(bytes)) return bytes;
  throw new HyperionError('INVALID', 'budget is unlimited; a group divides one that is not');
}

function tooSmall(bytes: number, smallest: number): HyperionError {
  return new HyperionError(
    'OVER_BUDGET',
    `the group's sessions need ${formatBytes(smallest)} together; the budget would be ${formatBytes(bytes)}; ` +
      `smallest feasible: ${formatBytes(smallest)} (${smallest} bytes)`,
    { neededBytes: smallest, budgetBytes: bytes, smallestBudgetBytes: smallest },
  );
}
