/** The budget of a session: read from what a user writes, where it is written. */
import { parseSize } from '../units';

/**
 * Bytes that a session may hold: a size as text or number, or no limit for undefined, Infinity and 'unlimited'.
 *
 * @param name how the message calls it
 * @throws HyperionError `INVALID` when it is not a size, or not positive
 * @example
 * ```ts
 * parseBudget('64 MiB'); // 67108864
 * parseBudget('unlimited'); // Infinity
 * ```
 */
export function parseBudget(budget: number | string | undefined, name = 'budget'): number {
  if (budget === undefined || budget === Number.POSITIVE_INFINITY || budget === 'unlimited') {
    return Number.POSITIVE_INFINITY;
  }
  return parseSize(budget, name);
}
