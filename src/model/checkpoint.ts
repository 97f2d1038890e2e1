/**
 * What a model's files hold, before anything is computed: configuration, tensors, tokenizer. Knows the folder layout of
 * Hugging Face; leaves the meaning of the configuration to the architectures.
 */
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { HyperionError } from '../errors';
import { ioError } from '../io';
import { readJson, readJsonIfPresent } from './files';
import type { JsonObject } from './json';
import { readSafetensorsFile, readSafetensorsFolder } from './safetensors-folder';
import type { TensorInfo } from './tensor-info';
import { Tokenizer } from './tokenizer';

export type { TensorInfo } from './tensor-info';

export interface Checkpoint {
  /** the folder, or the one file that was named */
  readonly path: string;
  readonly format: 'safetensors';
  readonly configPath: string;
  readonly config: JsonObject;
  /** sorted by file, then by place in the file */
  readonly tensors: readonly TensorInfo[];
  readonly tokenizer: Tokenizer | null;
  /** tokens that end a text; empty when the model does not say */
  readonly endIds: readonly number[];
  /** the file's name of a tensor, for its name in Hugging Face's models; absent when they are the same */
  readonly fileName?: (canonical: string) => string;
}

/**
 * Reads what a model's files say about themselves: of the weights only the headers.
 *
 * @param path a folder with config.json and model.safetensors (or shards with an index), or one .safetensors file
 *   with config.json beside it
 * @throws HyperionError `IO`, `BAD_FORMAT` or `UNSUPPORTED`, naming the file and the tensor
 */
export async function openCheckpoint(path: string, options: { tokenizer: boolean }): Promise<Checkpoint> {
  const full = resolve(path);
  const isFolder = await stat(full).then(
    (entry) => entry.isDirectory(),
    (error) => {
      throw ioError(full, error);
    },
  );
  if (!isFolder && !full.endsWith('.safetensors')) {
    const message = `${full} is not a model that can be read; name a folder or a .safetensors file`;
    throw new HyperionError('UNSUPPORTED', message, { path: full });
  }
  const folder = isFolder ? full : dirname(full);
  const configPath = join(folder, 'config.json');
  const config = await readJson(configPath);
  const generation = (await readJsonIfPresent(join(folder, 'generation_config.json'))) ?? {};
  return {
    path: full,
    format: 'safetensors',
    configPath,
    config,
    tensors: isFolder ? await readSafetensorsFolder(folder) : await readSafetensorsFile(full),
    tokenizer: options.tokenizer ? await Tokenizer.fromFolder(folder) : null,
    endIds: endIds(generation.eos_token_id ?? config.eos_token_id),
  };
}

function endIds(value: unknown): number[] {
  const ids = Array.isArray(value) ? value : [value];
  return ids.filter((id) => Number.isSafeInteger(id));
}
