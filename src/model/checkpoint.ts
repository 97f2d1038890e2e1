/**
 * What a model's files hold, before anything is computed: configuration, tensors, tokenizer. Here the format is told by
 * the path; each format has a reader of its own. The meaning of the configuration is left to the architectures.
 */
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { HyperionError } from '../errors';
import { ioError } from '../io';
import type { ModelContents } from './contents';
import { readJson, readJsonIfPresent } from './files';
import { openGguf } from './gguf/open';
import { nameOfFolder } from './hub/place';
import { findAside } from './new-folder';
import { readSafetensorsFile, readSafetensorsFolder } from './safetensors-folder';
import { openTmai } from './tmai/open';
import { Tokenizer } from './tokenizer';

export type { TensorInfo } from './tensor-info';

export interface Checkpoint extends ModelContents {
  /** the folder, or the one file that was named */
  readonly path: string;
  /** the folder's name, or the file's without its ending when it has all of the model */
  readonly name: string;
  readonly format: 'safetensors' | 'gguf' | 'tmai';
}

export interface CheckpointOptions {
  readonly tokenizer: boolean;
}

/** What opens a file, by its ending. */
const BY_ENDING: Readonly<Record<string, (path: string, options: CheckpointOptions) => Promise<Checkpoint>>> =
  {
    '.safetensors': (path, options) => openFolder(dirname(path), path, options),
    '.gguf': async (path, options) => ({
      path,
      name: basename(path, '.gguf'),
      format: 'gguf',
      ...(await openGguf(path, options)),
    }),
    '.tmai': async (path, options) => ({
      path,
      name: basename(path, '.tmai'),
      format: 'tmai',
      ...(await openTmai(path, options)),
    }),
  };

/**
 * Reads what a model's files say about themselves: of the weights only the headers.
 *
 * @param path a folder with config.json and model.safetensors (or shards with an index), one .safetensors file with
 *   config.json beside it, a .gguf file (of a model in parts, any part), or a .tmai file
 * @throws HyperionError `IO`, `BAD_FORMAT` or `UNSUPPORTED`, naming the file and the tensor
 */
export async function openCheckpoint(path: string, options: CheckpointOptions): Promise<Checkpoint> {
  const full = resolve(path);
  const entry = await stat(full).catch(async (error) => {
    throw (await stoppedHalfway(full)) ?? ioError(full, error);
  });
  const open = BY_ENDING[extname(full)];
  if (entry.isDirectory()) return openFolder(full, full, options);
  if (open) return open(full, options);
  const endings = Object.keys(BY_ENDING).join(', ');
  const message = `${full} is not a model that can be read; name a folder or a ${endings} file`;
  throw new HyperionError('UNSUPPORTED', message, { path: full });
}

/** The error for a model that waits beside its place; undefined when none does. Reading changes nothing on the disk. */
async function stoppedHalfway(path: string): Promise<HyperionError | undefined> {
  const aside = await findAside(path);
  if (!aside) return undefined;
  const message =
    `cannot read ${path}: the process that replaced it died, and the model that stood there waits as ${aside}; rename ` +
    'that back, or convert again';
  return new HyperionError('IO', message, { path, errno: 'ENOENT', aside });
}

/** A folder as Hugging Face lays it out, or one safetensors file in it. */
async function openFolder(folder: string, path: string, options: CheckpointOptions): Promise<Checkpoint> {
  const configPath = join(folder, 'config.json');
  const config = await readJson(configPath);
  const generation = (await readJsonIfPresent(join(folder, 'generation_config.json'))) ?? {};
  return {
    path,
    name: nameOfFolder(folder),
    format: 'safetensors',
    configPath,
    config,
    tensors: path === folder ? await readSafetensorsFolder(folder) : await readSafetensorsFile(path),
    tokenizer: options.tokenizer ? await Tokenizer.fromFolder(folder) : null,
    endIds: endIds(generation.eos_token_id ?? config.eos_token_id),
  };
}

function endIds(value: unknown): number[] {
  const ids = Array.isArray(value) ? value : [value];
  return ids.filter((id) => Number.isSafeInteger(id));
}
