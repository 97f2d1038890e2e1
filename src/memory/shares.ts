/** How members share one budget: what each needs at the least first, and the rest by what each could still use. */

/** Who has a share of a budget. Sizes are bytes. */
export interface BudgetMember {
  readonly name: string;
  readonly budget: number;
  /** more than this is of no use to it */
  readonly useful: number;
  /** whether it is computing, or about to */
  readonly active: boolean;
  /** the least with which it can go on as it is */
  smallest(): number;
  /** held from the operating system now */
  held(): number;
  /** resolves when it holds no more than that */
  changeBudget(bytes: number): Promise<void>;
}

/** What `divide` looks at. */
export type Claim = Pick<BudgetMember, 'useful' | 'active'> & { readonly smallest: number };

/**
 * Shares of `total` in the order of the claims, whole bytes: the smallest for each, then what the active ones can use, in
 * proportion, and what these leave for the others. Together they exceed `total` only where the smallest do.
 *
 * @example
 * ```ts
 * const busy = { smallest: 10, useful: 50, active: true };
 * const idle = { smallest: 10, useful: 50, active: false };
 * divide(60, [busy, idle]); // [50, 10]
 * divide(80, [busy, idle]); // [50, 30]
 * divide(40, [busy, busy]); // [20, 20]
 * ```
 */
export function divide(total: number, claims: readonly Claim[]): number[] {
  const shares = claims.map(({ smallest }) => smallest);
  let rest = Math.max(0, total - sum(shares));
  for (const active of [true, false]) {
    const wishes = claims.map((claim) =>
      claim.active === active ? Math.max(0, claim.useful - claim.smallest) : 0,
    );
    const fraction = Math.min(1, rest / Math.max(1, sum(wishes)));
    for (const [index, wish] of wishes.entries()) {
      const share = Math.floor(wish * fraction);
      shares[index]! += share;
      rest -= share;
    }
  }
  return shares;
}

/** Members whose budgets are changed together, so that their sum grows only into what has been given back. */
export class Shares<Member extends BudgetMember = BudgetMember> {
  readonly members = new Set<Member>();
  /** settles when the changes that were begun are made */
  #changes: Promise<void> = Promise.resolve();

  claims(): Claim[] {
    return [...this.members].map((member) => {
      const { useful, active } = member;
      return { smallest: member.smallest(), useful, active };
    });
  }

  /** the least that all need together, `but` for one of them */
  smallest(but?: BudgetMember): number {
    const others = [...this.members].filter((member) => member !== but);
    return sum(others.map((member) => member.smallest()));
  }

  /** what the members may hold together */
  budgets(): number {
    return sum([...this.members].map(({ budget }) => budget));
  }

  held(): number {
    return sum([...this.members].map((member) => member.held()));
  }

  /**
   * Divides a budget anew. A member that cannot do with its share after all keeps what it has, and the others have less.
   *
   * @param total asked when it is this call's turn
   */
  distribute(total: () => number): Promise<void> {
    const change = this.#changes.then(() => this.#distribute(total()));
    this.#changes = change.catch(() => {});
    return change;
  }

  async #distribute(total: number): Promise<void> {
    const stuck = new Set<Member>();
    for (;;) {
      const shares = this.#divide(total, stuck);
      const refused = await shrink(shares);
      if (refused.length === 0) return this.#grow(total, shares);
      for (const member of refused) stuck.add(member);
    }
  }

  /** Those that are stuck keep what they have. */
  #divide(total: number, stuck: ReadonlySet<Member>): Map<Member, number> {
    const members = [...this.members];
    const claims = this.claims().map((claim, index) => {
      const member = members[index]!;
      return stuck.has(member) ? { ...claim, smallest: member.budget } : claim;
    });
    return new Map(divide(total, claims).map((share, index) => [members[index]!, share]));
  }

  async #grow(total: number, shares: ReadonlyMap<Member, number>): Promise<void> {
    for (const [member, share] of shares) {
      const grown = Math.min(share, member.budget + Math.max(0, total - this.budgets()));
      if (grown > member.budget && this.members.has(member)) await settled(member.changeBudget(grown));
    }
  }
}

/** Gives members smaller shares; returns those that cannot do with theirs. */
async function shrink<Member extends BudgetMember>(shares: ReadonlyMap<Member, number>): Promise<Member[]> {
  const shrinking = [...shares].filter(([member, share]) => share < member.budget);
  const made = await Promise.all(shrinking.map(([member, share]) => settled(member.changeBudget(share))));
  return shrinking.map(([member]) => member).filter((_, index) => !made[index]);
}

function settled(change: Promise<void>): Promise<boolean> {
  return change.then(
    () => true,
    () => false,
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
