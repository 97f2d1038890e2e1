/** What repeated measurements of one thing come to. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The values must be at least one. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}
