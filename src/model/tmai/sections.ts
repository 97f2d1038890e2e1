/** The small files within a .tmai 2 file. */
import { crc32 } from 'node:zlib';
import type { Companion } from '../companions';
import { openFile, readFully } from '../files';
import type { TmaiFile } from './read';
import { corrupt, matches } from './verify';

/**
 * One small file's bytes, or undefined when there is none of the name.
 *
 * @throws HyperionError `IO`, or `CORRUPT` when they do not match their checksum
 */
export async function readTmaiSection(
  { path, header, dataStart }: TmaiFile,
  name: string,
): Promise<Buffer | undefined> {
  const section = header.files.find((file) => file.name === name);
  if (!section) return undefined;
  const { file } = await openFile(path);
  try {
    const data = Buffer.alloc(section.bytes);
    await readFully(path, file, dataStart + section.offset, data);
    if (!matches(section, crc32(data))) throw corrupt(path, [name]);
    return data;
  } finally {
    await file.close();
  }
}

/** All of them, in their order. Throws as `readTmaiSection` does. */
export async function readTmaiSections(file: TmaiFile): Promise<Companion[]> {
  const found: Companion[] = [];
  for (const { name } of file.header.files) found.push({ name, data: (await readTmaiSection(file, name))! });
  return found;
}
