/** Whether what is to be pulled fits on the disk. */
import { mkdir } from 'node:fs/promises';
import { HyperionError } from '../../errors';
import { freeSpace, ioError } from '../../io';
import { formatBytes } from '../../units';

/**
 * Fails before any download when the disk has too little room. Makes the folder.
 *
 * @throws HyperionError `IO` with `details.neededBytes` and `details.freeBytes`
 */
export async function checkSpace(folder: string, neededBytes: number): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error) => {
    throw ioError(folder, error, 'write');
  });
  const freeBytes = await freeSpace(folder);
  if (freeBytes < neededBytes) throw tooLittle(folder, neededBytes, freeBytes);
}

/** An error of a disk that filled up in the meantime, with what was needed and what is free; others as they are. */
export async function explainFullDisk(error: unknown, folder: string, neededBytes: number): Promise<unknown> {
  const isFull = error instanceof HyperionError && /^(ENOSPC|EDQUOT)$/.test(String(error.details.errno));
  return isFull ? tooLittle(folder, neededBytes, await freeSpace(folder), error) : error;
}

function tooLittle(folder: string, neededBytes: number, freeBytes: number, cause?: unknown): HyperionError {
  return new HyperionError(
    'IO',
    `${folder} needs room for ${formatBytes(neededBytes)}, ${formatBytes(freeBytes)} are free on its disk; make room, or name ` +
      'a folder on another disk (--to, or HF_HOME for the cache); what has come is kept',
    { errno: 'ENOSPC', path: folder, neededBytes, freeBytes },
    { cause },
  );
}
