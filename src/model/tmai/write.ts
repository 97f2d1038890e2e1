/** Writing a .tmai 2 file: layers first, then the header with their checksums; until it has its name nothing shows. */
import { crc32 } from 'node:zlib';
import type { ChunkReader } from '../chunk-reader';
import type { Companion } from '../companions';
import { checkDiskSpace, makeFile, type NewFile } from '../new-file';
import type { TensorInfo } from '../tensor-info';
import { COPIED, dataStart, type Layout, layOut, MAGIC, PREFIX_BYTES, type TmaiHeader } from './format';

export interface TmaiContents extends Pick<TmaiHeader, 'origin' | 'config' | 'endIds'> {
  readonly files: readonly Companion[];
  /** in the order of execution, with the tensors that each computes with */
  readonly layers: readonly { readonly name: string; readonly tensors: readonly string[] }[];
  /** where the bytes of each come from */
  readonly tensors: readonly TensorInfo[];
}

/**
 * Writes a .tmai 2 file. Tensors are copied in chunks; what stood at the path stays as it is until the new file is whole.
 *
 * @throws HyperionError `IO` (also when the disk has no room, before anything is written), `CORRUPT`, `CANCELLED`
 */
export async function writeTmai(path: string, contents: TmaiContents, reader: ChunkReader): Promise<void> {
  const files = contents.files.map(({ name, data }) => ({ name, bytes: data.length }));
  const tensors = contents.tensors.map(({ recipe = COPIED, ...tensor }) => ({ ...tensor, recipe }));
  const layout = layOut({ ...contents, files, tensors });
  // Checksums have the same length whatever they are, so the header's size is known before them.
  const start = dataStart(encode(contents, layout, []).length - PREFIX_BYTES);
  await checkDiskSpace(path, start + layout.bytes);
  await makeFile(path, async (file) => {
    await file.setSize(start + layout.bytes);
    const checksums = [
      ...(await writeFiles(file, start, contents, layout)),
      ...(await writeLayers(file, start, contents, layout, reader)),
    ];
    await file.write(encode(contents, layout, checksums), 0);
  });
}

/** Prefix and header; `checksums` are those of the files, then of the layers. */
function encode(contents: TmaiContents, layout: Layout, checksums: readonly number[]): Buffer {
  const { origin, config, endIds } = contents;
  const crcOf = (index: number) => (checksums[index] ?? 0).toString(16).padStart(8, '0');
  const header: TmaiHeader = {
    ...{ origin, config, endIds },
    files: layout.files.map((file, index) => ({ ...file, crc32: crcOf(index) })),
    layers: layout.layers.map(({ held: _, ...layer }, index) => ({
      ...layer,
      crc32: crcOf(layout.files.length + index),
    })),
    tensors: layout.tensors.map(({ name, dtype, shape, offset, recipe }) => {
      return { name, dtype, shape, offset, recipe };
    }),
  };
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32LE(MAGIC, 0);
  prefix.writeUInt32LE(2, 4);
  prefix.writeBigUInt64LE(BigInt(json.length), 8);
  return Buffer.concat([prefix, json]);
}

async function writeFiles(
  file: NewFile,
  start: number,
  { files }: TmaiContents,
  layout: Layout,
): Promise<number[]> {
  for (const [index, { data }] of files.entries())
    await file.write(data, start + layout.files[index]!.offset);
  return files.map(({ data }) => crc32(data));
}

async function writeLayers(
  file: NewFile,
  start: number,
  { tensors }: TmaiContents,
  layout: Layout,
  reader: ChunkReader,
): Promise<number[]> {
  const sources = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const checksums: number[] = [];
  for (const { offset: begin, held } of layout.layers) {
    let checksum = 0;
    let end = begin;
    for (const { name, offset } of held) {
      checksum = crc32(new Uint8Array(offset - end), checksum);
      end = offset;
      const source = sources.get(name)!;
      for await (const chunk of reader.chunks(source.file, source.offset, source.bytes)) {
        checksum = crc32(chunk, checksum);
        await file.write(chunk, start + end);
        end += chunk.length;
      }
    }
    checksums.push(checksum);
  }
  return checksums;
}
