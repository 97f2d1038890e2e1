/**
 * Converting models between formats. The graph is asked for the order of execution, in which .tmai files hold their layers;
 * how each format is read and written is left to `model`.
 */
import { checkFlag } from '../checks';
import { HyperionError } from '../errors';
import { openCheckpoint } from '../model/checkpoint';
import { checkedBytes, verifyChecksums } from '../model/checksums';
import { ChunkReader, type WorkOptions } from '../model/chunk-reader';
import { openSource, type Source } from '../model/convert/source';
import { checkTarget, type Target, targetOf } from '../model/convert/target';
import { writeFolder } from '../model/convert/to-folder';
import { writeGguf } from '../model/convert/to-gguf';
import { putBack } from '../model/new-folder';
import { type TmaiContents, writeTmai } from '../model/tmai/write';
import { openModel } from './model';

export interface ConvertOptions extends WorkOptions {
  /** Replaces what stands at the output. Default false. */
  readonly force?: boolean;
}

export interface Conversion extends Target {
  /** of all tensors */
  readonly bytes: number;
}

/**
 * Converts a model: anything that `openModel` opens to a `.tmai` file, and such a file back to the model folder or the
 * `.gguf` file that it came from. Tensors keep every bit, and are copied in chunks of 4 MiB.
 * What stands at the output stays as it is until the new model is whole. A folder that stepped aside for a new one, when the
 * process died before that took its place, is put back first.
 *
 * @param output a `.tmai` or `.gguf` file, or a folder
 * @throws HyperionError `INVALID` for a name, or an output that exists; `UNSUPPORTED` when the format cannot hold the
 *   model; `CORRUPT` when a checksum of a .tmai does not match; `IO`, `CANCELLED`, and as `openModel`
 * @example
 * ```ts
 * const { bytes } = await convert('model', 'model.tmai');
 * const model = await openModel('model.tmai');
 * model.bytes === bytes; // true
 * ```
 */
export async function convert(
  input: string,
  output: string,
  options: ConvertOptions = {},
): Promise<Conversion> {
  const force = checkFlag('force', options.force ?? false);
  const target = targetOf(checkPath('output', output));
  if (target.format === 'safetensors') await putBack(target.path);
  const source = await openSource(checkPath('input', input));
  const { tensors, path, checksums } = source.checkpoint;
  await checkTarget(target, [path, ...new Set(tensors.map(({ file }) => file))], force);
  const write = await writerFor(target, source);

  const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const total = bytes + (checksums ? checkedBytes(checksums) : 0);
  const reader = new ChunkReader(`writing ${target.path}`, total, options);
  try {
    if (checksums) await verifyChecksums(checksums, reader);
    await write(reader);
  } finally {
    await reader.close();
  }
  return { ...target, bytes };
}

/**
 * Checks that every byte of a .tmai file is as it was written.
 *
 * @returns the bytes that were checked
 * @throws HyperionError `CORRUPT`, naming the layers that are damaged; `UNSUPPORTED` for version 1 and for other formats;
 *   `BAD_FORMAT`, `IO`, `CANCELLED`
 * @example
 * ```ts
 * await convert('model', 'model.tmai');
 * await verify('model.tmai');
 * ```
 */
export async function verify(path: string, options: WorkOptions = {}): Promise<number> {
  const { checksums, path: full } = await openCheckpoint(checkPath('path', path), { tokenizer: false });
  if (!checksums)
    throw new HyperionError('UNSUPPORTED', `${full} has no checksums; convert it to .tmai, which has`, {
      path: full,
    });
  const total = checkedBytes(checksums);
  const reader = new ChunkReader(`checking ${path}`, total, options);
  await verifyChecksums(checksums, reader).finally(() => reader.close());
  return total;
}

function checkPath(name: string, path: unknown): string {
  if (typeof path === 'string' && path !== '') return path;
  throw new HyperionError('INVALID', `${name} is ${JSON.stringify(path)}; it must be a path`);
}

async function writerFor(target: Target, source: Source): Promise<(reader: ChunkReader) => Promise<void>> {
  if (target.format === 'safetensors') return (reader) => writeFolder(target.path, source, reader);
  if (target.format === 'gguf') return (reader) => writeGguf(target.path, source, reader);
  const contents = await tmaiContents(source);
  return (reader) => writeTmai(target.path, contents, reader);
}

async function tmaiContents({ checkpoint, origin, files }: Source): Promise<TmaiContents> {
  const { config, endIds, tensors, path } = checkpoint;
  const model = await openModel(path, { tokenizer: false });
  const layers = model.layers.map(({ name, tensors }) => ({ name, tensors }));
  model.close();
  const used = new Set(layers.flatMap(({ tensors }) => tensors));
  const unused = tensors.map(({ name }) => name).filter((name) => !used.has(name));
  // What no operation reads is a layer of its own at the end, so that nothing is lost on the way.
  if (unused.length > 0) layers.push({ name: 'unused', tensors: unused });
  return { config, endIds, origin, files, layers, tensors };
}
