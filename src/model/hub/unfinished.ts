/**
 * Unfinished downloads on disk. Each has one writer, named in the file's name, so that pulls at the same time never write to one
 * file. What a writer has left behind, by an interrupt or a crash, the next pull takes over by renaming it, which one alone can do.
 */
import { createHash } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';

/** Processes with the same name for their numbers: those of this machine, and of this container. */
const NAMESPACE = createHash('sha1').update(`${hostname()} ${pidNamespace()}`).digest('hex').slice(0, 8);
/** A file of another machine or container that nobody has written to for so long has no writer any more. */
const ABANDONED_MS = 10 * 60_000;

const NAME = /\.([0-9a-f]{8})-(\d+)-\d+-\d+\.incomplete$/;

/** Files that this thread has stopped writing to. */
const released = new Set<string>();
let claims = 0;

/** Bytes of the longest download that can be gone on with. */
export async function resumableBytes(stem: string): Promise<number> {
  return (await resumable(stem))[0]?.bytes ?? 0;
}

/**
 * A path that nobody else writes to: with the longest of the downloads left behind, or with no file yet. Its folder exists.
 *
 * @param stem how the path begins; the rest of the name is for the writer
 */
export async function claim(stem: string): Promise<string> {
  await mkdir(dirname(stem), { recursive: true });
  claims += 1;
  const path = `${stem}.${NAMESPACE}-${process.pid}-${threadId}-${claims}.incomplete`;
  for (const left of await resumable(stem)) {
    const isOurs = await rename(left.path, path).then(
      () => true,
      (error) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    );
    released.delete(left.path);
    if (isOurs) break;
  }
  return path;
}

/** The file stays for the next pull. */
export function release(path: string): void {
  released.add(path);
}

/** Downloads left behind, longest first. */
async function resumable(stem: string): Promise<{ path: string; bytes: number }[]> {
  const folder = dirname(stem);
  const names = await readdir(folder).catch(() => [] as string[]);
  const found: { path: string; bytes: number }[] = [];
  for (const name of names.filter((name) => name.startsWith(`${basename(stem)}.`))) {
    const path = join(folder, name);
    const entry = await stat(path).catch(() => undefined);
    if (entry && isLeft(path, entry.mtimeMs)) found.push({ path, bytes: entry.size });
  }
  return found.sort((a, b) => b.bytes - a.bytes);
}

function isLeft(path: string, modifiedMs: number): boolean {
  const [, namespace, pid] = NAME.exec(path) ?? [];
  if (!pid) return false;
  if (namespace !== NAMESPACE) return Date.now() - modifiedMs > ABANDONED_MS;
  return Number(pid) === process.pid ? released.has(path) : !isRunning(Number(pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
