/** The GGUF file from which a model came, made again: the header that was kept, and each tensor where it lay. */
import { HyperionError } from '../../errors';
import type { ChunkReader } from '../chunk-reader';
import { checkDiskSpace, makeFile } from '../new-file';
import { GGUF_HEADER } from '../tmai/format';
import type { Source } from './source';

/**
 * Writes the file; it is the original to the byte, where that had zeros between its tensors.
 *
 * @throws HyperionError `UNSUPPORTED` for a model that did not come from one GGUF file; `IO`, `CORRUPT`, `CANCELLED`
 */
export async function writeGguf(path: string, source: Source, reader: ChunkReader): Promise<void> {
  const { header, bytes, placed } = checkOrigin(source);
  await checkDiskSpace(path, bytes);
  await makeFile(path, async (file) => {
    await file.setSize(bytes);
    await file.write(header, 0);
    for (const { tensor, place } of placed) {
      let end = place;
      for await (const chunk of reader.chunks(tensor.file, tensor.offset, tensor.bytes)) {
        await file.write(chunk, end);
        end += chunk.length;
      }
    }
  });
}

function checkOrigin({ checkpoint, origin, files }: Source) {
  const header = files.find(({ name }) => name === GGUF_HEADER)?.data;
  const fail = (problem: string) =>
    new HyperionError('UNSUPPORTED', `${checkpoint.path} ${problem}`, { path: checkpoint.path });
  if (origin.format !== 'gguf' || !header)
    throw fail('did not come from a GGUF file, and GGUF files are made of no other; convert it to a folder');
  if (origin.bytes === undefined || origin.offsets === undefined)
    throw fail('came from a GGUF model in parts, which is not made again; use those files');
  const { bytes, offsets } = origin;
  const placed = checkpoint.tensors.map((tensor) => ({ tensor, place: offsets[tensor.name] ?? Number.NaN }));
  const lost = placed.find(({ tensor, place }) => !(place >= header.length && place + tensor.bytes <= bytes));
  if (!lost) return { header, bytes, placed };
  const message = `${checkpoint.path}: tensor '${lost.tensor.name}' has no place in the GGUF file that it came from`;
  throw new HyperionError('BAD_FORMAT', message, { path: checkpoint.path });
}
