/** A model as a folder in the way of Hugging Face: config.json, safetensors (sharded above 2 GB), and the small files. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HyperionError } from '../../errors';
import { ioError, temporaryName } from '../../io';
import type { ChunkReader } from '../chunk-reader';
import { isCompanion } from '../companions';
import { blockOf, isSafetensorsDtype, type SafetensorsDtype } from '../dtypes';
import { checkDiskSpace, makeFile } from '../new-file';
import { replaceFolder } from '../new-folder';
import { indexOf, shardName, splitShards } from '../safetensors-shards';
import { makeSafetensors } from '../safetensors-writer';
import type { TensorInfo } from '../tensor-info';
import type { Source } from './source';

type SafetensorsTensor = TensorInfo & { readonly dtype: SafetensorsDtype };

/**
 * Writes the folder under a temporary name and gives it its own when it is whole.
 *
 * @throws HyperionError `UNSUPPORTED` for what came from GGUF; `IO`, `CORRUPT`, `CANCELLED`
 */
export async function writeFolder(path: string, source: Source, reader: ChunkReader): Promise<void> {
  const tensors = checkTensors(source);
  const bytes = [...tensors.map((tensor) => tensor.bytes), ...source.files.map(({ data }) => data.length)];
  await checkDiskSpace(
    path,
    bytes.reduce((sum, size) => sum + size, 0),
  );
  const temporary = temporaryName(path);
  try {
    await mkdir(temporary);
    await writeShards(temporary, tensors, reader);
    for (const { name, data } of source.files)
      if (isCompanion(name)) await makeFile(join(temporary, name), (file) => file.write(data, 0));
    await writeJson(join(temporary, 'config.json'), source.checkpoint.config, 2);
    await replaceFolder(temporary, path);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error instanceof HyperionError ? error : ioError(path, error, 'write');
  }
}

/** Tensors with the widest elements first, so that each is aligned for its elements. */
function checkTensors({ checkpoint, origin }: Source): SafetensorsTensor[] {
  const { tensors, path } = checkpoint;
  const foreign = tensors.find(({ dtype }) => !isSafetensorsDtype(dtype));
  if (origin.format === 'gguf' || foreign) {
    const what = foreign
      ? `its tensor '${foreign.name}' is ${foreign.dtype}, which safetensors does not have`
      : 'the names and layouts of its tensors are not those of a model folder';
    const isSplit = origin.format === 'gguf' && origin.bytes === undefined;
    const way = isSplit ? 'use the parts of the GGUF model' : 'convert it to .gguf';
    throw new HyperionError(
      'UNSUPPORTED',
      `${path} came from a GGUF file: ${what}; ${way}, or convert the original model to a folder`,
      { path },
    );
  }
  const width = ({ dtype }: TensorInfo) => blockOf(dtype).bytes / blockOf(dtype).elements;
  return (tensors as SafetensorsTensor[]).toSorted((a, b) => width(b) - width(a));
}

async function writeShards(
  folder: string,
  tensors: readonly SafetensorsTensor[],
  reader: ChunkReader,
): Promise<void> {
  const shards = splitShards(tensors);
  for (const [index, shard] of shards.entries()) {
    await makeSafetensors(join(folder, shardName(index, shards.length)), shard, async (write) => {
      let end = 0;
      for (const { file, offset, bytes } of shard) {
        for await (const chunk of reader.chunks(file, offset, bytes)) {
          await write(chunk, end);
          end += chunk.length;
        }
      }
    });
  }
  if (shards.length > 1) await writeJson(join(folder, 'model.safetensors.index.json'), indexOf(shards), 0);
}

function writeJson(path: string, value: object, indent: number): Promise<void> {
  const text = Buffer.from(`${JSON.stringify(value, null, indent)}\n`);
  return makeFile(path, (file) => file.write(text, 0));
}
