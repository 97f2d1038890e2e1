/** Pulling a model: lists the repository, chooses what a model needs, and brings what is missing to its place. */
import { join, resolve } from 'node:path';
import { HyperionError } from '../../errors';
import { ioError } from '../../io';
import { readJson } from '../files';
import { resolveSignal } from '../signal';
import { findCached } from './cached';
import { type Choice, chooseFiles, INDEX } from './choose';
import { HubClient } from './client';
import { checkSpace, explainFullDisk } from './disk-space';
import { download } from './download';
import { type HubFile, listRepository } from './listing';
import { CachePlace, FolderPlace, type Place } from './place';
import { checkRevision, type HubReference, parseReference } from './reference';
import { type HubSettings, hubSettings } from './settings';
import { resumableBytes } from './unfinished';

export interface PullOptions {
  /** The folder for the files. Default: the cache that the Python tools share. */
  readonly to?: string;
  /** A branch, a tag or a commit. Default: the reference's own, or main. */
  readonly revision?: string;
  /** Patterns of the files to pull, in which * stands for anything, instead of those that a model needs. */
  readonly include?: readonly string[];
  /** Ends the pull with `CANCELLED`. In a notebook an interrupt of the cell does so too. */
  readonly signal?: AbortSignal;
  /** called with the bytes that have come, and those that were missing when the pull began */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A model that was pulled. */
export interface PulledModel {
  readonly repo: string;
  readonly commit: string;
  /** what `openModel` opens: a folder, or the one file that holds the model */
  readonly path: string;
  /** where the files lie */
  readonly folder: string;
  /** by their paths in the repository */
  readonly files: readonly string[];
  /** of all files */
  readonly bytes: number;
  /** that were missing, and were downloaded */
  readonly downloadedBytes: number;
}

/** Files on their way at a time. */
const LANES = 4;

/**
 * Downloads a model from the hub: configuration, tokenizer, and its weights in safetensors, or one GGUF file. What the disk has
 * already stays, what an earlier pull has begun is gone on with, and every file's content is checked by its hash. HF_ENDPOINT,
 * HF_TOKEN, HF_HOME and HF_HUB_OFFLINE mean what they mean to the Python tools.
 *
 * @param reference `org/name`, `org/name@revision`, or `org/name/file.gguf` for one of several
 * @throws HyperionError `IO` when the hub refuses, cannot be reached, or the disk is full; `CORRUPT` when a file's content is not what
 *   the hub says; `INVALID`, `UNSUPPORTED`, `BAD_FORMAT`, `CANCELLED`
 * @example
 * ```ts
 * const { path, files, bytes } = await pull('org/llama');
 * const model = await openModel(path);
 * files.includes('config.json'); // true
 * const again = await pull('org/llama', { revision: 'main' });
 * again.downloadedBytes; // 0
 * ```
 */
export async function pull(reference: string, options: PullOptions = {}): Promise<PulledModel> {
  const wanted = resolveReference(reference, options);
  const signal = resolveSignal(options.signal);
  const settings = await hubSettings();
  return settings.offline ? fromCache(settings, wanted, options) : fromHub(settings, wanted, options, signal);
}

function resolveReference(text: string, { revision, include }: PullOptions): HubReference {
  if (typeof text !== 'string')
    throw new HyperionError('INVALID', `the reference is ${String(text)}; it must be text such as org/name`);
  const reference = parseReference(text);
  if (reference.file && include)
    throw new HyperionError('INVALID', `${text} names a file, and include others; give one of the two`);
  return revision === undefined ? reference : { ...reference, revision: checkRevision(revision) };
}

async function fromCache(
  { cache }: HubSettings,
  reference: HubReference,
  { to, include }: PullOptions,
): Promise<PulledModel> {
  if (to !== undefined)
    throw new HyperionError('INVALID', `HF_HUB_OFFLINE forbids to pull to ${to}; unset it, or use the cache`);
  const { commit, folder, choice } = await findCached(cache, reference, include);
  return describe(reference, commit, folder, choice, 0);
}

async function fromHub(
  settings: HubSettings,
  reference: HubReference,
  options: PullOptions,
  signal: AbortSignal,
): Promise<PulledModel> {
  const failed = new AbortController();
  const client = new HubClient(settings, reference, AbortSignal.any([signal, failed.signal]));
  const { commit, files } = await listRepository(client, reference);
  const place =
    options.to === undefined
      ? new CachePlace(settings.cache, reference, commit)
      : new FolderPlace(resolve(options.to), client.signal);
  const bring = (few: readonly HubFile[], onProgress?: PullOptions['onProgress']) =>
    bringMissing(
      client,
      failed,
      `${client.endpoint}/${reference.repo}/resolve/${commit}`,
      few,
      place,
      onProgress,
    );

  // The index says which files the weights are in, so it comes before the others.
  const indexFile = files.find(({ path }) => path === INDEX);
  const needsIndex = indexFile !== undefined && !reference.file && !options.include;
  const indexBytes = needsIndex ? await bring([indexFile]) : 0;
  const index = needsIndex ? await readJson(join(place.folder, INDEX)) : undefined;
  const choice = chooseFiles(reference, files, { include: options.include, index });
  const bytes = await bring(choice.files, options.onProgress);
  await place.finish().catch((error) => {
    throw error instanceof HyperionError ? error : ioError(place.folder, error, 'write');
  });
  return describe(reference, commit, place.folder, choice, indexBytes + bytes);
}

/** Downloads those that the place does not hold, some at a time. Gives the bytes that have come. */
async function bringMissing(
  client: HubClient,
  failed: AbortController,
  base: string,
  files: readonly HubFile[],
  place: Place,
  onProgress?: PullOptions['onProgress'],
): Promise<number> {
  const missing: { file: HubFile; before: number; now: number }[] = [];
  for (const file of files) {
    const isThere = await place.holds(file).catch((error) => {
      client.checkCancelled();
      throw ioError(place.folder, error, 'write');
    });
    if (isThere) continue;
    const before = Math.min(file.bytes, await resumableBytes(place.stem(file)));
    missing.push({ file, before, now: before });
  }
  const still = () => missing.reduce((sum, { file, now }) => sum + file.bytes - now, 0);
  const total = still();
  await checkSpace(place.folder, total);

  const queue = missing.values();
  const lane = async () => {
    for (const entry of queue)
      await download(client, `${base}/${encodePath(entry.file.path)}`, entry.file, place, (bytes) => {
        entry.now = Math.max(entry.before, bytes);
        onProgress?.(total - still(), total);
      });
  };
  // The first failure ends the other lanes, and is the one that counts.
  const lanes = Array.from({ length: LANES }, () => lane().catch((error) => failed.abort(error)));
  await Promise.all(lanes);
  if (failed.signal.aborted) throw await explainFullDisk(failed.signal.reason, place.folder, still());
  return total;
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function describe(
  { repo }: HubReference,
  commit: string,
  folder: string,
  { files, model }: Choice<{ path: string; bytes: number }>,
  downloadedBytes: number,
): PulledModel {
  return {
    repo,
    commit,
    path: join(folder, model),
    folder,
    files: files.map(({ path }) => path),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    downloadedBytes,
  };
}
