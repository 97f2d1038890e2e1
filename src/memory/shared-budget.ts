/** A budget that members share, whatever says how much it is: who they are, what fits, and when it is divided anew. */
import { HyperionError } from '../errors';
import { formatBytes } from '../units';
import { type BudgetMember, type Claim, divide, Shares } from './shares';

/** What a member begins with. */
export interface Opening {
  /** bytes that are its share */
  readonly bytes: number;
  /** whether they are free; if not, it may hold nothing until the others have made room */
  readonly free: boolean;
}

export abstract class SharedBudget {
  protected readonly shares = new Shares();
  /** how errors call it */
  protected abstract readonly name: string;

  /** bytes for all members together, at this moment */
  protected abstract total(): number;

  /** @throws HyperionError `OVER_BUDGET` when it does not fit beside the members */
  opening(claim: Omit<Claim, 'active'>): Opening {
    const total = this.total();
    this.#mustFit(claim.smallest, this.shares.smallest(), total);
    const bytes = divide(total, [{ ...claim, active: true }, ...this.shares.claims()])[0]!;
    return { bytes, free: bytes <= total - this.shares.budgets() };
  }

  /** Resolves when the member has its share. @throws HyperionError `OVER_BUDGET` */
  async join(member: BudgetMember): Promise<void> {
    this.mustHold(member, member.smallest());
    this.shares.members.add(member);
    await this.rebalance();
  }

  /** What the member had is the others'. */
  leave(member: BudgetMember): void {
    if (this.shares.members.delete(member)) void this.rebalance();
  }

  has(member: BudgetMember): boolean {
    return this.shares.members.has(member);
  }

  /** Whether the member could have so much, were the others to do with their least. @throws HyperionError `OVER_BUDGET` */
  mustHold(member: BudgetMember, bytes: number): void {
    const others = this.shares.smallest(member);
    this.#mustFit(bytes, others, this.total());
  }

  /** Divides it anew; resolves when that is done. */
  rebalance(): Promise<void> {
    return this.shares.distribute(() => this.total());
  }

  /** A member has nothing more to do for now: what it does not need is for those that have. */
  ended(): void {
    if ([...this.shares.members].some(({ active }) => active)) void this.rebalance();
  }

  #mustFit(bytes: number, others: number, total: number): void {
    const smallest = bytes + others;
    if (smallest <= total) return;
    const beside = others > 0 ? `, beside the ${formatBytes(others)} of other sessions` : '';
    const message =
      `needs ${formatBytes(bytes)}${beside}; ${this.name} is ${formatBytes(total)}; ` +
      `smallest feasible: ${formatBytes(smallest)} (${smallest} bytes)`;
    const details = { neededBytes: bytes, budgetBytes: total, smallestBudgetBytes: smallest };
    throw new HyperionError('OVER_BUDGET', message, details);
  }
}
