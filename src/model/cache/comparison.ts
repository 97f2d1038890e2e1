/** How often each rule of eviction would have hit on one sequence of accesses, beside the best that is possible. */
import { checkInteger } from '../../checks';
import { jupyterDisplay, type MimeBundle, Table } from '../../display';
import { HyperionError } from '../../errors';
import { AdaptivePolicy } from './adaptive-policy';
import { FrequencyPolicy, RecencyPolicy, RecurrencePolicy } from './policy';
import { countBestHits, countHits } from './simulate';

export interface CachingRow {
  /** the rule: LRU, LFU, recurrence, adaptive, or Belady's optimum, which knows the future */
  readonly policy: string;
  readonly hits: number;
  readonly misses: number;
}

/** What `compareCaching()` gives. */
export class CachingComparison {
  constructor(
    readonly rows: readonly CachingRow[],
    readonly capacity: number,
    readonly accesses: number,
  ) {}

  table(): Table {
    const rows = this.rows.map(({ policy, hits, misses }) => [policy, hits, misses, hits / this.accesses]);
    return new Table(
      [
        'policy',
        { label: 'hits', unit: 'count' },
        { label: 'misses', unit: 'count' },
        { label: 'hit rate', unit: 'percent' },
      ],
      rows,
      { caption: `${this.accesses} accesses, room for ${this.capacity}` },
    );
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}

/**
 * Runs a sequence of accesses through each rule, in caches of keys of one size.
 *
 * @param accesses keys in the order of use, e.g. indices of layers
 * @param capacity how many keys fit
 * @throws HyperionError `INVALID`
 * @example
 * ```ts
 * const passes = Array.from({ length: 400 }, (_, index) => index % 20);   // 20 layers, 20 passes
 * const { rows } = compareCaching(passes, 10);
 * rows.map(({ policy }) => policy); // ['LRU', 'LFU', 'recurrence', 'adaptive', 'optimum']
 * rows[0].hits; // 0
 * rows[3].hits > 0.9 * rows[4].hits; // true
 * ```
 */
export function compareCaching(accesses: readonly number[], capacity: number): CachingComparison {
  checkInteger('capacity', capacity, 1, 2 ** 31);
  if (!Array.isArray(accesses) || !accesses.every(Number.isFinite))
    throw new HyperionError('INVALID', 'accesses must be a list of numbers, such as indices of layers');
  const rules = [
    new RecencyPolicy(),
    new FrequencyPolicy(),
    new RecurrencePolicy(),
    new AdaptivePolicy(capacity),
  ];
  const hits = [
    ...rules.map((policy) => ({ policy: policy.name, hits: countHits(policy, accesses, capacity) })),
    { policy: 'optimum', hits: countBestHits(accesses, capacity) },
  ];
  const rows = hits.map((row) => ({ ...row, misses: accesses.length - row.hits }));
  return new CachingComparison(rows, capacity, accesses.length);
}
