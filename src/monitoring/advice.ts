/** Advice on memory drawn from what was seen: misuse and leaks first, then which strategy with which options, and why. */
import type { Advice, LeakedBlock, MemoryReport } from '../display';
import { clip, plural } from '../display/wording';
import { formatBytes, formatCount, formatDuration } from '../units';
import { holderAdvice } from './strategy-advice';

/** A report before anybody has thought about it. */
export type Observations = Omit<MemoryReport, 'advice'>;

/**
 * Says what to change and the numbers that each advice rests on; nothing when nothing stands out.
 *
 * @example
 * ```ts
 * const leak = { holder: 'cache', tag: 'rows', bytes: 4096, allocatedAtMs: 12, closed: true };
 * const [advice] = adviceFor({ ...emptyReport('Memory'), leaks: [leak] });
 * advice.because; // '1 block was never given back, 4.0 KiB in all, 1 to a holder that is closed; most come from rows in cache.'
 * ```
 */
export function adviceFor(seen: Observations): Advice[] {
  return [...misuseAdvice(seen), ...leakAdvice(seen), ...holderAdvice(seen)];
}

const WAYS_OUT = new Map([
  ['double free', 'Free each block once, where its owner is done with it.'],
  ['foreign free', 'Give each block back to the pool or allocator that it came from.'],
  ['stale handle', 'Let go of a handle when its block is freed or its holder reset.'],
]);

function misuseAdvice({ misuses }: Observations): Advice[] {
  return groupBy(misuses, ({ kind }) => kind).map((group) => {
    const { bytes, callSite, holder, kind, message, tag, timeMs } = group[0]!;
    const what = bytes > 0 ? `, ${formatBytes(bytes)} of ${short(tag)}` : '';
    const where = `${formatDuration(timeMs)} after the start, in '${short(holder)}'${what}`;
    return {
      title: `Correct what was refused as ${short(kind)}`,
      because: `${plural(group.length, 'refusal')}, the first ${where}: ${clip(message, 200)}`,
      change: `${WAYS_OUT.get(kind) ?? 'See what the code does there.'}${beginAt(callSite)}`,
    };
  });
}

function leakAdvice({ leaks, omitted }: Observations): Advice[] {
  if (leaks.length === 0) return [];
  const [most] = groupBy(leaks, placeOf).toSorted((one, two) => two.length - one.length);
  const { callSite, holder, tag } = most![0]!;
  const more = omitted?.leaks ?? 0;
  const atLeast = more > 0 ? 'at least ' : '';
  const count = leaks.length + more;
  const bytes = formatBytes(leaks.reduce((sum, leak) => sum + leak.bytes, 0));
  const closed = formatCount(leaks.filter((leak) => leak.closed).length);
  return [
    {
      title: 'Give back what is left behind',
      because:
        `${plural(count, 'block')} ${count === 1 ? 'was' : 'were'} never given back, ${atLeast}${bytes} in all, ` +
        `${atLeast}${closed} to a holder that is closed; most come from ${short(tag)} in ${short(holder)}.`,
      change: `Free blocks before their holder closes, or take them from one that is reset as a whole.${beginAt(callSite)}`,
    },
  ];
}

function placeOf({ callSite, holder, tag }: LeakedBlock): string {
  return JSON.stringify([holder, tag, callSite]);
}

function groupBy<Item>(items: readonly Item[], key: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return [...groups.values()];
}

function beginAt(callSite: string | undefined): string {
  return callSite === undefined ? '' : ` Begin at ${clip(callSite, 200)}.`;
}

function short(name: string): string {
  return clip(name, 60);
}
