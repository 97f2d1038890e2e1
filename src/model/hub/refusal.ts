/** What a server's refusal means for the user, and what to do about it. */
import { HyperionError } from '../../errors';
import { BrokenConnection } from './persist';
import type { HubReference } from './reference';

/** The error for an answer that is no success. A server that is busy or failing may do better later. */
export function refusal(response: Response, reference: HubReference, hasToken: boolean): Error {
  const { status, headers } = response;
  if (status >= 500 || status === 429 || status === 408) {
    const seconds = Number(headers.get('Retry-After'));
    return new BrokenConnection(`the server answered ${status}`, seconds > 0 ? seconds * 1000 : 0);
  }
  const { repo, revision } = reference;
  const said = headers.get('X-Error-Message');
  const sentence =
    explain(status, headers.get('X-Error-Code'), reference, hasToken) ??
    `the server answered ${status} for ${repo}${said ? `: ${said}` : ''}`;
  return new HyperionError('IO', sentence, { repo, revision, status });
}

function explain(
  status: number,
  code: string | null,
  { repo, revision }: HubReference,
  hasToken: boolean,
): string | undefined {
  if (code === 'RevisionNotFound')
    return `${repo} has no revision '${revision}'; name a branch, a tag or a commit`;
  if (code === 'EntryNotFound') return `${repo} lists a file that it does not give at revision '${revision}'`;
  if (code === 'GatedRepo')
    return `${repo} is gated: accept its terms on its page, and set HF_TOKEN to a token of the account that did`;
  // A repository that one may not see looks as if it were not there.
  if (status === 404 || code === 'RepoNotFound')
    return hasToken
      ? `there is no ${repo}, or the token may not see it; check the name, and whose token HF_TOKEN is`
      : `there is no ${repo}, or it is private; check the name, or set HF_TOKEN to a token that may read it`;
  if (status === 401 || status === 403)
    return hasToken
      ? `the token may not read ${repo}; check that HF_TOKEN is valid and may read it`
      : `${repo} is not for everyone; set HF_TOKEN to a token that may read it`;
  return undefined;
}
