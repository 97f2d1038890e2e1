/** How a budget is divided, and changed without ever being exceeded. */
import { describe, expect, test } from 'vitest';
import { type BudgetMember, divide, Shares } from '../../src/memory/shares';
import { random as seeded } from '../support/random';

const claim = (smallest: number, useful: number, active = true) => ({ smallest, useful, active });

describe('divide', () => {
  test('the smallest for each first, then in proportion to what each can still use', () => {
    expect(divide(100, [claim(10, 30), claim(20, 1000)])).toEqual([11, 88]);
    expect(divide(30, [claim(10, 30), claim(20, 1000)])).toEqual([10, 20]);
  });

  test('no more than is of use', () => {
    expect(divide(1000, [claim(10, 30), claim(20, 100)])).toEqual([30, 100]);
    expect(divide(1000, [claim(50, 30)])).toEqual([50]);
  });

  test('who is idle has what the active ones leave', () => {
    expect(divide(100, [claim(10, 200), claim(10, 200, false)])).toEqual([90, 10]);
    expect(divide(100, [claim(10, 60), claim(10, 200, false)])).toEqual([60, 40]);
    expect(divide(100, [claim(10, 200, false), claim(10, 200, false)])).toEqual([50, 50]);
  });

  test('too little for all: the smallest of each', () => {
    expect(divide(15, [claim(10, 60), claim(10, 60)])).toEqual([10, 10]);
    expect(divide(15, [])).toEqual([]);
  });

  test('is within the total and above the smallest, whatever is claimed', () => {
    const random = seeded(5);
    for (let round = 0; round < 1000; round += 1) {
      const claims = Array.from({ length: 1 + Math.floor(random() * 5) }, () => {
        const smallest = Math.floor(random() * 1e6);
        return claim(smallest, Math.floor(random() * 1e8), random() < 0.5);
      });
      const least = claims.reduce((sum, { smallest }) => sum + smallest, 0);
      const total = least + Math.floor(random() * 1e8);
      const shares = divide(total, claims);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(total);
      for (const [index, { smallest, useful }] of claims.entries()) {
        expect(shares[index]).toBeGreaterThanOrEqual(smallest);
        expect(shares[index]).toBeLessThanOrEqual(Math.max(smallest, useful));
      }
    }
  });
});

/** A member that takes a turn of the event loop for a change, and watches the sum of all. */
class Member implements BudgetMember {
  readonly name = 'member';
  readonly active = true;
  refuses = false;

  constructor(
    public budget: number,
    readonly useful: number,
    private readonly watch: () => void,
  ) {}

  smallest(): number {
    return 10;
  }

  held(): number {
    return this.budget;
  }

  async changeBudget(bytes: number): Promise<void> {
    // Growth counts from the call on, and what is given back when it is done.
    if (bytes > this.budget) this.budget = bytes;
    await new Promise((resolve) => setImmediate(resolve));
    if (this.refuses) throw new Error('not now');
    this.budget = bytes;
    this.watch();
  }
}

describe('Shares', () => {
  test('what grows waits for what shrinks, and who cannot shrink leaves the others less', async () => {
    const shares = new Shares<Member>();
    const watch = () => expect(shares.budgets()).toBeLessThanOrEqual(100);
    const [large, small] = [new Member(90, 90, watch), new Member(10, 1000, watch)];
    shares.members.add(large).add(small);
    await shares.distribute(() => 100);
    expect([large.budget, small.budget]).toEqual([15, 84]);
    large.refuses = true;
    await shares.distribute(() => 60);
    expect([large.budget, small.budget]).toEqual([17, 42]);
  });
});
