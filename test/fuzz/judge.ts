/** Opens one input and says what is wrong with how that went. */
import { complaint } from './reader';
import type { Input, Workspace } from './workspace';

/** The longest that an input may take. */
export const LARGEST_MS = 1000;

export interface Verdict {
  readonly ms: number;
  /** undefined = as it should be */
  readonly problem?: string;
}

/** One that seems slow is measured again, because a machine has other things to do. */
export async function judge(workspace: Workspace, input: Input): Promise<Verdict> {
  let verdict = await openOnce(workspace, input);
  for (let retry = 0; retry < 2 && !verdict.problem && verdict.ms > LARGEST_MS; retry += 1) {
    verdict = await openOnce(workspace, input);
  }
  if (verdict.problem || verdict.ms <= LARGEST_MS) return verdict;
  return { ...verdict, problem: `took ${verdict.ms.toFixed(0)} ms` };
}

async function openOnce(workspace: Workspace, input: Input): Promise<Verdict> {
  const began = performance.now();
  const problem = await workspace.open(input).then(() => undefined, complaint);
  return { ms: performance.now() - began, problem };
}

/** What two failures with the same cause have in common: the first line without what differs, and the place. */
export function signatureOf(problem: string): string {
  const [first = '', ...rest] = problem.split('\n');
  const place = rest.find((line) => line.includes('at ')) ?? '';
  return `${first.replace(/'[^']*'|"[^"]*"|\/\S+|[-\d.e+]+/g, '_').slice(0, 60)} ${place.trim()}`;
}
