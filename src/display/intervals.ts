/** Stretches of time as sets: what several of them cover together, and what two such sets share. */

export interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

/** The same moments as stretches that do not touch, in the order of time. */
export function union(intervals: readonly Interval[]): Interval[] {
  const joined: { startMs: number; endMs: number }[] = [];
  for (const { startMs, endMs } of [...intervals].sort((a, b) => a.startMs - b.startMs)) {
    const last = joined.at(-1);
    if (last && startMs <= last.endMs) last.endMs = Math.max(last.endMs, endMs);
    else joined.push({ startMs, endMs });
  }
  return joined;
}

/** The moments that are in both of two unions. */
export function intersection(left: readonly Interval[], right: readonly Interval[]): Interval[] {
  const shared: Interval[] = [];
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    const [a, b] = [left[i]!, right[j]!];
    const startMs = Math.max(a.startMs, b.startMs);
    const endMs = Math.min(a.endMs, b.endMs);
    if (startMs < endMs) shared.push({ startMs, endMs });
    a.endMs < b.endMs ? i++ : j++;
  }
  return shared;
}

/** The time that stretches which do not touch take together. */
export function lengthOf(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
}
