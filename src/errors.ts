/** The one error class of the API. Each failure has a code to branch on and a sentence to read. */

/** What went wrong, for programs. The sentence in `message` names the thing, the limit and the way out. */
export type HyperionErrorCode =
  | 'OVER_BUDGET'
  | 'OUT_OF_MEMORY'
  | 'BAD_FORMAT'
  | 'CORRUPT'
  | 'IO'
  | 'UNSUPPORTED'
  | 'CANCELLED'
  | 'INVALID'
  | 'CLOSED';

/** Numbers and names that belong to an error, e.g. `smallestBudgetBytes` of an `OVER_BUDGET`. */
export type HyperionErrorDetails = Readonly<Record<string, number | string>>;

/**
 * An error of Hyperion Lab.
 *
 * @example
 * ```ts
 * const error = new HyperionError('INVALID', 'threads is 0; it must be at least 1', { threads: 0 });
 * error.code; // 'INVALID'
 * ```
 */
export class HyperionError extends Error {
  override readonly name = 'HyperionError';

  constructor(
    readonly code: HyperionErrorCode,
    message: string,
    readonly details: HyperionErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
