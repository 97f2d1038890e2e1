/**
 * Where pulled files are put: in the cache that the Python tools share (blobs named by their content, snapshots of commits that
 * link to them, refs from branches to commits), or in a folder of the user's.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { writeWhole } from '../../io';
import { contentHash } from './content-hash';
import type { HubFile } from './listing';
import type { HubReference } from './reference';

export interface Place {
  /** where files lie in the end, each by its path in the repository */
  readonly folder: string;
  /** whether the file is there, whole */
  holds(file: HubFile): Promise<boolean>;
  /** how names of its unfinished downloads begin; the folder of these is on the same disk */
  stem(file: HubFile): string;
  /** takes a file that is whole and checked */
  accept(file: HubFile, unfinished: string): Promise<void>;
  /** called when all files are there */
  finish(): Promise<void>;
}

/** A repository's folder in the cache. */
export function repositoryFolder(cache: string, repo: string): string {
  return join(cache, ['models', ...repo.split('/')].join('--'));
}

/** What a model in this folder is called: a snapshot in the cache by its repository, any other by its folder. */
export function nameOfFolder(folder: string): string {
  const [, repo] = /\/models--([^/]+)\/snapshots\/[^/]+$/.exec(folder) ?? [];
  return repo ? repo.split('--').at(-1)! : basename(folder);
}

export class CachePlace implements Place {
  readonly folder: string;
  readonly #repository: string;

  constructor(
    cache: string,
    private readonly reference: HubReference,
    private readonly commit: string,
  ) {
    this.#repository = repositoryFolder(cache, reference.repo);
    this.folder = join(this.#repository, 'snapshots', commit);
  }

  async holds(file: HubFile): Promise<boolean> {
    // A file without a link to a blob is what the Python tools put on a disk that knows no links.
    if (await hasSize(join(this.folder, file.path), file.bytes)) return true;
    if (!(await hasSize(this.#blob(file), file.bytes))) return false;
    await this.#link(file);
    return true;
  }

  stem(file: HubFile): string {
    return this.#blob(file);
  }

  async accept(file: HubFile, unfinished: string): Promise<void> {
    await rename(unfinished, this.#blob(file));
    await this.#link(file);
  }

  async finish(): Promise<void> {
    const { revision } = this.reference;
    if (revision === this.commit) return;
    const ref = join(this.#repository, 'refs', revision);
    await mkdir(dirname(ref), { recursive: true });
    await writeWhole(ref, this.commit);
  }

  #blob({ oid }: HubFile): string {
    return join(this.#repository, 'blobs', oid);
  }

  async #link(file: HubFile): Promise<void> {
    const link = join(this.folder, file.path);
    const target = relative(dirname(link), this.#blob(file));
    if ((await readlink(link).catch(() => undefined)) === target) return;
    await mkdir(dirname(link), { recursive: true });
    // Another pull may be doing the same: a link that is renamed is there at every moment.
    const temporary = `${link}.${randomUUID()}.tmp`;
    await symlink(target, temporary);
    await rename(temporary, link).catch(async (error) => {
      await rm(temporary, { force: true });
      throw error;
    });
  }
}

export class FolderPlace implements Place {
  constructor(
    readonly folder: string,
    /** ends the reading of a file that may be there already */
    private readonly signal: AbortSignal,
  ) {}

  async holds(file: HubFile): Promise<boolean> {
    const path = join(this.folder, file.path);
    if (!(await hasSize(path, file.bytes))) return false;
    const hash = contentHash(file);
    for await (const chunk of createReadStream(path, { signal: this.signal })) hash.update(chunk);
    return hash.digest('hex') === file.oid;
  }

  /** The content is part of the name: another revision's is not gone on with. */
  stem({ path, oid }: HubFile): string {
    const full = join(this.folder, path);
    return join(dirname(full), `.${basename(full)}.${oid.slice(0, 16)}`);
  }

  async accept({ path }: HubFile, unfinished: string): Promise<void> {
    await rename(unfinished, join(this.folder, path));
  }

  async finish(): Promise<void> {}
}

async function hasSize(path: string, bytes: number): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile() && entry.size === bytes,
    () => false,
  );
}
