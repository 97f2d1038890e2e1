/**
 * A model in one GGUF file, or split into several: name-00001-of-00003.gguf and so on. The first part has the metadata,
 * each has tensors of its own. Opening any part opens them all.
 */
import { basename, dirname, join } from 'node:path';
import { excerpt } from '../json';
import { type GgufHeader, readGgufHeader } from './header';

const PART_NAME = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/;

/**
 * Reads the headers of all parts of the model to which a file belongs.
 *
 * @returns the first part's metadata, and the tensors of all parts, sorted by part, then by place in it
 * @throws HyperionError as `readGgufHeader`, and `BAD_FORMAT` when the parts do not belong together
 */
export async function readGgufParts(path: string): Promise<GgufHeader> {
  const opened = await readGgufHeader(path);
  const count = opened.metadata.count('split.count', 1);
  if (count <= 1) return opened;
  const paths = partPaths(opened, count);
  const parts: GgufHeader[] = [];
  for (const [index, part] of paths.entries()) {
    const header = part === path ? opened : await readGgufHeader(part);
    checkPart(header, index, count);
    parts.push(header);
  }
  const { metadata } = parts[0]!;
  const tensors = parts.flatMap((part) => part.tensors);
  const expected = metadata.count('split.tensors.count', tensors.length);
  if (tensors.length !== expected)
    throw metadata.bad(
      `'split.tensors.count' is ${expected}; its ${count} parts have ${tensors.length} tensors`,
    );
  checkNames({ metadata, tensors });
  return { metadata, tensors };
}

function partPaths({ metadata }: GgufHeader, count: number): string[] {
  const [, prefix, , total] = PART_NAME.exec(basename(metadata.path)) ?? [];
  const number = (value: number) => String(value).padStart(5, '0');
  if (total !== number(count)) {
    const name = `NAME-${number(1)}-of-${number(count)}.gguf`;
    throw metadata.bad(`it is one of ${count} parts; they are found by names such as ${name}`);
  }
  const folder = dirname(metadata.path);
  return Array.from({ length: count }, (_, i) => join(folder, `${prefix}-${number(i + 1)}-of-${total}.gguf`));
}

function checkPart({ metadata }: GgufHeader, index: number, count: number): void {
  const [ownCount, ownIndex] = [metadata.count('split.count', 1), metadata.count('split.no', 0)];
  if (ownCount === count && ownIndex === index) return;
  throw metadata.bad(
    `it says of itself to be part ${ownIndex + 1} of ${ownCount}, not ${index + 1} of ${count}`,
  );
}

function checkNames({ metadata, tensors }: GgufHeader): void {
  const names = new Set<string>();
  for (const { name, file } of tensors) {
    if (names.has(name)) throw metadata.bad(`tensor ${excerpt(name)} is in two parts; the second is ${file}`);
    names.add(name);
  }
}
