/** What the measurements of a case have to reach, and whether they do. */
import { formatBytes } from '../../units';
import type { CaseResult } from './loading-summary';

/** One demand as text, and whether it is met; null where what it takes could not be measured. */
export interface Verdict {
  readonly case: string;
  readonly demand: string;
  readonly measured: string;
  readonly met: boolean | null;
}

/** What a session may add to the process beside its budget: the promise of the design. */
export const GROWTH_BEYOND_BUDGET = 16 * 2 ** 20;

export function verdictsOf({ name, budget, goal, mostBytesPerPass, ways }: CaseResult): Verdict[] {
  const [own, ...others] = ways;
  const figures = own!.figures;
  const verdicts: Verdict[] = [];
  const add = (demand: string, measured: string, met: boolean | null) =>
    verdicts.push({ case: name, demand, measured, met });

  if (!figures) add('runs to its end', own!.failure!, false);
  const share = figures?.shareOfLimit;
  if (goal.ofLimit !== undefined && share)
    add(`>= ${percent(goal.ofLimit)} of the limit`, percent(share.median), share.median >= goal.ofLimit);
  if (goal.ofOthers !== undefined && figures) {
    const speeds = others.flatMap((other) => other.figures?.tokensPerSecond.median ?? []);
    const ratio = figures.tokensPerSecond.median / Math.max(...speeds);
    const names = others.map(({ way }) => way).join(' or ');
    const failures = others.flatMap(({ way, failure }) => (failure === null ? [] : `${way}: ${failure}`));
    const measured =
      speeds.length > 0 ? `${ratio.toFixed(2)} x` : failures.join('; ') || 'nothing to compare with';
    add(
      `>= ${goal.ofOthers} x ${names || 'a peer'}`,
      measured,
      speeds.length > 0 ? ratio >= goal.ofOthers : null,
    );
  }
  if (figures && budget !== null) {
    const { bytesPerPass, residentGrowthBytes, groupGrowthBytes } = figures;
    const addSize = (what: string, bytes: number, most: number) =>
      add(`${what} <= ${formatBytes(most)}`, signed(bytes), bytes <= most);
    if (bytesPerPass !== null) addSize('read in a pass', bytesPerPass, mostBytesPerPass);
    addSize('resident beyond baseline + budget', residentGrowthBytes - budget, GROWTH_BEYOND_BUDGET);
    addSize('control group beyond baseline + budget', groupGrowthBytes - budget, GROWTH_BEYOND_BUDGET);
  }
  return verdicts;
}

function signed(bytes: number): string {
  return bytes < 0 ? `-${formatBytes(-bytes)}` : formatBytes(bytes);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)}%`;
}
