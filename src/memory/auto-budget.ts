/**
 * `budget: 'auto'`: what the machine, or the control group, has to spare, less a margin; looked at ten times a second, so that
 * sessions give way before the kernel kills anything.
 */
import { type FreeMemory, readFreeMemory } from '../monitoring/free-memory';
import { type BudgetMember, divide, Shares } from './shares';

const MIB = 2 ** 20;
const MS_BETWEEN_LOOKS = 100;
/** After giving way nothing grows for so long. */
const CALM_MS = 5000;
/** and then by so much of all memory in a second */
const GROWTH_PER_SECOND = 0.02;
const MS_BETWEEN_GROWTHS = 1000;
/** Where tasks wait for memory more than this share of the time, sessions give way whatever seems free, */
const PRESSED = 0.1;
/** to so much of what they hold, and then it is waited for what that does: the share is one of ten seconds. */
const UNDER_PRESSURE = 0.9;
const MS_BETWEEN_RELIEFS = 2000;

/** What was seen at one moment: memory, and what the sessions hold of it. */
export interface Look extends FreeMemory {
  readonly timeMs: number;
  readonly held: number;
}

/** The budget of all automatic sessions together, and since when. */
export interface AutoTotal {
  readonly bytes: number;
  /** when they last gave way */
  readonly shrunkMs: number;
  readonly grownMs: number;
  readonly kills: number;
}

/** Bytes that stay free: 5% of all memory and at least 256 MiB, but no more than a quarter of it. */
export function marginOf(total: number): number {
  return Math.min(Math.max(0.05 * total, 256 * MIB), total / 4);
}

/**
 * The budget of all automatic sessions together. It falls at once: to what is there when a quarter of the margin is used up, by
 * a tenth of what they hold when tasks wait for memory or were killed for it. It rises slowly, after five seconds of calm.
 *
 * @param before undefined for the first
 * @example
 * ```ts
 * const look = { timeMs: 0, held: 0, available: 3000, total: 4000, pressure: 0, kills: 0 };
 * nextTotal(look, undefined).bytes; // 2000
 * ```
 */
export function nextTotal(look: Look, before: AutoTotal | undefined): AutoTotal {
  const { timeMs, held, available, total, pressure, kills } = look;
  const margin = marginOf(total);
  const room = Math.max(0, Math.floor(held + available - margin));
  if (!before) return { bytes: room, shrunkMs: Number.NEGATIVE_INFINITY, grownMs: timeMs, kills };
  const shrunk = (bytes: number) => ({ bytes, shrunkMs: timeMs, grownMs: timeMs, kills });
  const pressed = pressure > PRESSED && timeMs - before.shrunkMs >= MS_BETWEEN_RELIEFS;
  if (pressed || kills > before.kills)
    return shrunk(Math.floor(Math.min(room, before.bytes, UNDER_PRESSURE * held)));
  if (room < before.bytes - margin / 4) return shrunk(room);
  const calm = pressure <= PRESSED && timeMs - before.shrunkMs >= CALM_MS;
  if (!calm || timeMs - before.grownMs < MS_BETWEEN_GROWTHS) return before;
  const grown = before.bytes + (GROWTH_PER_SECOND * total * (timeMs - before.grownMs)) / 1000;
  return { ...before, bytes: Math.floor(Math.max(before.bytes, Math.min(room, grown))), grownMs: timeMs };
}

/** Who takes part in the automatic budget of this process. */
export class AutoBudget {
  readonly #shares = new Shares();
  #total: AutoTotal | undefined;
  #timer: NodeJS.Timeout | undefined;
  #changing = false;

  /** What a session would have that joined now; less than its smallest where there is not that much. */
  shareFor(smallest: number, useful: number): number {
    const total = nextTotal(this.#look(), undefined).bytes;
    const [share] = divide(total, [{ smallest, useful, active: true }, ...this.#shares.claims()]);
    return Math.max(1, Math.min(share!, total - this.#shares.smallest()));
  }

  /** From now on the member's budget follows what is free. Resolves when it has its share. */
  async join(member: BudgetMember): Promise<void> {
    this.#shares.members.add(member);
    // A session keeps no process alive.
    this.#timer ??= setInterval(() => void this.#adjust(), MS_BETWEEN_LOOKS).unref();
    await this.#shares.distribute(() => {
      this.#total = nextTotal(this.#look(), undefined);
      return this.#total.bytes;
    });
  }

  leave(member: BudgetMember): void {
    this.#shares.members.delete(member);
    if (this.#shares.members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): Look {
    return { ...readFreeMemory(), timeMs: performance.now(), held: this.#shares.held() };
  }

  async #adjust(): Promise<void> {
    if (this.#changing) return;
    this.#changing = true;
    try {
      const total = nextTotal(this.#look(), this.#total);
      const changed = total.bytes !== this.#total?.bytes || this.#shares.budgets() > total.bytes;
      this.#total = total;
      if (changed) await this.#shares.distribute(() => total.bytes);
    } finally {
      this.#changing = false;
    }
  }
}

export const autoBudget = new AutoBudget();
