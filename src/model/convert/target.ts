/** Where a converted model goes: its format by its name, and whether something stands there already. */
import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { HyperionError } from '../../errors';
import { ioError } from '../../io';
import { isCompanion } from '../companions';

export interface Target {
  readonly path: string;
  readonly format: 'tmai' | 'gguf' | 'safetensors';
}

/** @throws HyperionError `INVALID` for a name that no format has */
export function targetOf(output: string): Target {
  const path = resolve(output);
  const extension = extname(path).toLowerCase();
  if (extension === '.tmai') return { path, format: 'tmai' };
  if (extension === '.gguf') return { path, format: 'gguf' };
  if (extension !== '.safetensors') return { path, format: 'safetensors' };
  throw invalid(`${path} would be one file of a model; name a folder, which gets the configuration too`);
}

/**
 * Checks that the target may be written.
 *
 * @param files of the model that is converted, itself among them
 * @throws HyperionError `INVALID` when one of those stands there; or something else does, and it is not to be replaced or
 *   is no model; `IO`
 */
export async function checkTarget(
  { path, format }: Target,
  files: readonly string[],
  force: boolean,
): Promise<void> {
  const present = await statIfPresent(path);
  if (!present) return;
  for (const file of files) {
    const source = await statIfPresent(file);
    if (source?.ino === present.ino && source.dev === present.dev)
      throw invalid(`${path} is the model that is to be converted; name another place`);
  }
  if (format === 'safetensors') return checkFolder(path, present, force);
  if (!present.isFile()) throw invalid(`${path} is no file that can be replaced; name another one`);
  if (!force) throw invalid(`${path} exists; name another file, or replace it with force`);
}

const MODEL_FILE = /^config\.json$|^model(-\d+-of-\d+)?\.safetensors(\.index\.json)?$/;

/** A folder is replaced whole, so it may hold nothing that the model has no part in. */
async function checkFolder(path: string, present: Stats, force: boolean): Promise<void> {
  if (!present.isDirectory()) throw invalid(`${path} is a file; name a folder`);
  const entries = await readdir(path, { withFileTypes: true });
  if (entries.length > 0 && !force)
    throw invalid(`${path} is not empty; name another folder, or replace it with force`);
  const foreign = entries.find(
    (entry) => entry.isDirectory() || !(MODEL_FILE.test(entry.name) || isCompanion(entry.name)),
  );
  if (foreign)
    throw invalid(`${path} is not replaced: ${join(path, foreign.name)} is no part of a model; move it away`);
}

async function statIfPresent(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw ioError(path, error);
  });
}

function invalid(message: string): HyperionError {
  return new HyperionError('INVALID', message);
}
