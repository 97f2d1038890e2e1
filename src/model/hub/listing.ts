/** What a repository holds at a revision: the commit, and every file with its size and checksum. */
import { listFiles, modelInfo } from '@huggingface/hub';
import { HyperionError } from '../../errors';
import type { HubClient } from './client';
import type { HubReference } from './reference';

export interface HubFile {
  /** within the repository, with / between its parts */
  readonly path: string;
  readonly bytes: number;
  /** names the content: sha256 of it for large files (64 digits), as git names a blob for small ones (40 digits) */
  readonly oid: string;
}

export interface Listing {
  readonly commit: string;
  readonly files: readonly HubFile[];
}

/** @throws HyperionError `IO` when the hub refuses or cannot be reached, `BAD_FORMAT` when it answers with what it cannot mean */
export async function listRepository(client: HubClient, reference: HubReference): Promise<Listing> {
  const { repo: name, revision } = reference;
  const access = { hubUrl: client.endpoint, fetch: client.fetch };
  try {
    const { sha } = await modelInfo({ ...access, name, revision, additionalFields: ['sha'] });
    const commit = checkOid(sha, 'the commit', [40]);
    const files: HubFile[] = [];
    const entries = listFiles({
      ...access,
      repo: { type: 'model', name },
      revision: commit,
      recursive: true,
    });
    for await (const { type, path, size, oid, lfs } of entries)
      if (type === 'file')
        files.push({
          path: checkPath(path),
          bytes: checkSize(lfs?.size ?? size, path),
          oid: lfs ? checkOid(lfs.oid, path, [64]) : checkOid(oid, path, [40]),
        });
    return { commit, files };
  } catch (error) {
    if (error instanceof HyperionError) throw error;
    throw malformed(`its answer about ${name} cannot be read: ${(error as Error).message}`, error);
  }
}

/** The path becomes one below a folder of ours, and the name of the content that of a file. */
function checkPath(path: unknown): string {
  const isSafe =
    typeof path === 'string' &&
    !/[\\\0]|^[a-z]:/i.test(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (isSafe) return path;
  throw malformed(`it lists a file ${JSON.stringify(path)}, which would lie outside of its folder`);
}

function checkOid(oid: unknown, what: string, digits: readonly number[]): string {
  if (typeof oid === 'string' && digits.includes(oid.length) && /^[0-9a-f]+$/.test(oid)) return oid;
  throw malformed(`it names ${what} by ${JSON.stringify(oid)}, which is no hash`);
}

function checkSize(size: unknown, path: string): number {
  if (Number.isSafeInteger(size) && (size as number) >= 0) return size as number;
  throw malformed(`it gives ${path} a size of ${JSON.stringify(size)}`);
}

function malformed(problem: string, cause?: unknown): HyperionError {
  return new HyperionError(
    'BAD_FORMAT',
    `the hub at HF_ENDPOINT does not speak as it should: ${problem}`,
    {},
    {
      cause,
    },
  );
}
