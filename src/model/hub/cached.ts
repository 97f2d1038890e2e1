/** Models that are in the cache already, without asking the hub: the offline mode. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HyperionError } from '../../errors';
import { ioError } from '../../io';
import { type JsonObject, readJsonIfPresent } from '../files';
import { type Choice, chooseFiles, INDEX } from './choose';
import { repositoryFolder } from './place';
import type { HubReference } from './reference';

interface CachedFile {
  readonly path: string;
  readonly bytes: number;
}

export interface CachedModel {
  readonly commit: string;
  readonly folder: string;
  readonly choice: Choice<CachedFile>;
}

/**
 * Finds what an earlier pull, of this or of a Python tool, has left in the cache.
 *
 * @throws HyperionError `IO` when the revision, or a file of the model, is not there
 */
export async function findCached(
  cache: string,
  reference: HubReference,
  include?: readonly string[],
): Promise<CachedModel> {
  const repository = repositoryFolder(cache, reference.repo);
  const commit = await resolveCommit(repository, reference.revision);
  const folder = join(repository, 'snapshots', commit);
  const files = await listFolder(folder);
  if (files.length === 0) throw notCached(reference, `not in the cache at ${cache}`);
  try {
    const index: JsonObject | undefined = await readJsonIfPresent(join(folder, INDEX));
    return { commit, folder, choice: chooseFiles(reference, files, { include, index }) };
  } catch (error) {
    throw notCached(reference, `not whole in the cache (${(error as Error).message})`, error);
  }
}

async function resolveCommit(repository: string, revision: string): Promise<string> {
  const text = await readFile(join(repository, 'refs', revision), 'utf8').catch(() => revision);
  return text.trim();
}

/** Files, and links to files that are there. */
async function listFolder(folder: string): Promise<CachedFile[]> {
  const paths = await readdir(folder, { recursive: true }).catch((error) => {
    if (error.code === 'ENOENT') return [];
    throw ioError(folder, error);
  });
  const files: CachedFile[] = [];
  for (const path of paths) {
    const entry = await stat(join(folder, path)).catch(() => undefined);
    if (entry?.isFile()) files.push({ path, bytes: entry.size });
  }
  return files;
}

function notCached({ repo, revision }: HubReference, state: string, cause?: unknown): HyperionError {
  return new HyperionError(
    'IO',
    `${repo} at revision '${revision}' is ${state}, and HF_HUB_OFFLINE forbids to ask the hub; unset it and pull the model`,
    { repo, revision },
    { cause },
  );
}
