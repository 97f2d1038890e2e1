/**
 * `budget: 'auto'`: what the machine, or the control group, has to spare, less a margin; looked at ten times a second, so that
 * sessions give way before the kernel kills anything.
 */
import { type FreeMemory, readFreeMemory } from '../monitoring/free-memory';
import { SharedBudget } from './shared-budget';
import type { BudgetMember } from './shares';

const MIB = 2 ** 20;
const MS_BETWEEN_LOOKS = 100;
/** After giving way nothing grows for so long. */
const CALM_MS = 5000;
/** and then by so much of all memory in a second */
const GROWTH_PER_SECOND = 0.02;
const MS_BETWEEN_GROWTHS = 1000;
/** Where tasks wait for memory more than this share of the time, sessions give way, */
const PRESSED = 0.1;
/** unless so many margins are free: it is others then who wait, at limits of their own; */
const PLENTY = 2;
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
 * a tenth of what they hold when tasks wait for memory while little is free, or were killed for it. It rises slowly, after five seconds of calm.
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
  const pressed = pressure > PRESSED && available < PLENTY * margin;
  if ((pressed && timeMs - before.shrunkMs >= MS_BETWEEN_RELIEFS) || kills > before.kills)
    return shrunk(Math.floor(Math.min(room, before.bytes, UNDER_PRESSURE * held)));
  if (room < before.bytes - margin / 4) return shrunk(room);
  const calm = !pressed && timeMs - before.shrunkMs >= CALM_MS;
  if (!calm || timeMs - before.grownMs < MS_BETWEEN_GROWTHS) return before;
  const grown = before.bytes + (GROWTH_PER_SECOND * total * (timeMs - before.grownMs)) / 1000;
  return { ...before, bytes: Math.floor(Math.max(before.bytes, Math.min(room, grown))), grownMs: timeMs };
}

/** The automatic budget of this process. */
export class AutoBudget extends SharedBudget {
  protected readonly name = 'what memory is free';
  #decided: AutoTotal | undefined;
  #timer: NodeJS.Timeout | undefined;
  #changing = false;

  override async join(member: BudgetMember): Promise<void> {
    // A session keeps no process alive.
    this.#timer ??= setInterval(() => void this.#adjust(), MS_BETWEEN_LOOKS).unref();
    await super.join(member).finally(() => this.#rest());
  }

  override leave(member: BudgetMember): void {
    super.leave(member);
    this.#rest();
  }

  protected total(): number {
    this.#decided ??= nextTotal(this.#look(), undefined);
    return this.#decided.bytes;
  }

  /** Without members nothing is looked at, and what was seen is old. */
  #rest(): void {
    if (this.shares.members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#decided = undefined;
  }

  #look(): Look {
    return { ...readFreeMemory(), timeMs: performance.now(), held: this.shares.held() };
  }

  async #adjust(): Promise<void> {
    if (this.#changing) return;
    this.#changing = true;
    try {
      const before = this.total();
      this.#decided = nextTotal(this.#look(), this.#decided);
      if (this.total() !== before || this.shares.budgets() > before) await this.rebalance();
    } finally {
      this.#changing = false;
    }
  }
}

export const autoBudget = new AutoBudget();
