/** Speed by budget as a picture: what disk and memory allow, what streaming reaches, and what peers do. */
import { type Figure, type LineSeries, linesFigure } from '../../display';
import type { LoadingResult } from './loading';
import { passLimit } from './loading-limits';
import type { CaseResult } from './loading-summary';

/** The cases that differ in nothing but the budget. */
export const CHARTED = /^f16-/;

export function loadingChart({ cases }: LoadingResult): Figure {
  const charted = cases.filter(({ name }) => CHARTED.test(name));
  const names = new Set(charted.flatMap(({ ways }) => ways.map(({ way }) => way)));
  const measured = [...names].map((name) => line(charted, name, (aCase) => speedOf(aCase, name)));
  return linesFigure({
    title: 'Speed of f16 under a budget',
    summary:
      'the limit is what disk and memory allow for what streaming reads, at their median over the runs of all',
    x: 'budget (% of the file)',
    y: 'tokens per second',
    lines: [{ ...line(charted, 'limit', limitOf), dashed: true }, ...measured],
  });
}

function line(
  cases: readonly CaseResult[],
  name: string,
  height: (aCase: CaseResult) => number | undefined,
): LineSeries {
  const points = cases.map(
    (aCase) => [(100 * (aCase.budget ?? Number.NaN)) / aCase.fileBytes, height(aCase) ?? Number.NaN] as const,
  );
  return { name, points };
}

function speedOf({ ways }: CaseResult, name: string): number | undefined {
  return ways.find(({ way }) => way === name)?.figures?.tokensPerSecond.median;
}

/** For what the first way reads. */
function limitOf({
  ways,
  passBytes,
  diskBytesPerSecond,
  memoryBytesPerSecond,
}: CaseResult): number | undefined {
  const read = ways[0]?.figures?.bytesPerPass;
  const bandwidths = { disk: diskBytesPerSecond.median, memory: memoryBytesPerSecond.median };
  return typeof read === 'number' ? passLimit(read, passBytes, bandwidths) : undefined;
}
