/**
 * A folder that takes the place of another. Two names cannot be exchanged in one step from here, so the old one steps aside
 * first: a process that dies then leaves nothing at the place, and the old one whole beside it.
 */
import { rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ioError } from '../io';
import { syncFolder } from './new-file';

/** The one name under which what stood at a path waits, so that it is found again. */
function asideOf(path: string): string {
  return `${path}.replaced.tmp`;
}

/**
 * Gives a finished folder its name; what stood there is removed. When that fails, it stands there again.
 *
 * @throws the error of the system
 */
export async function replaceFolder(temporary: string, path: string): Promise<void> {
  await syncFolder(temporary);
  const aside = asideOf(path);
  const stepped = await stepAside(path, aside);
  try {
    await rename(temporary, path);
  } catch (error) {
    // Another process may have put it back already.
    if (stepped) await rename(aside, path).catch(() => {});
    throw error;
  }
  await syncFolder(dirname(path));
  if (stepped) await rm(aside, { recursive: true, force: true });
}

/** The folder that stood at a path where nothing stands now, since the process that replaced it died; undefined when none waits. */
export async function findAside(path: string): Promise<string | undefined> {
  const exists = (name: string) =>
    stat(name).then(
      () => true,
      () => false,
    );
  return !(await exists(path)) && (await exists(asideOf(path))) ? asideOf(path) : undefined;
}

/** Puts that folder back. @throws HyperionError `IO` */
export async function putBack(path: string): Promise<void> {
  const aside = await findAside(path);
  if (!aside) return;
  await rename(aside, path).catch((error) => {
    throw ioError(path, error, 'write');
  });
}

/** False when nothing stands at the path. */
async function stepAside(path: string, aside: string): Promise<boolean> {
  try {
    await rename(path, aside);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    // A process died when its new folder stood already.
    await rm(aside, { recursive: true });
    await rename(path, aside);
  }
  return true;
}
