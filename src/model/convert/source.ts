/** What a model is converted from: its checkpoint, its small files, and where it came from before. */
import { dirname } from 'node:path';
import { type Checkpoint, openCheckpoint } from '../checkpoint';
import { type Companion, readCompanions } from '../companions';
import { openFile, readFully } from '../files';
import { readGgufMetadata } from '../gguf/header';
import { GGUF_HEADER, type Origin } from '../tmai/format';
import { requireTmai } from '../tmai/open';
import { readTmaiSections } from '../tmai/sections';

export interface Source {
  readonly checkpoint: Checkpoint;
  readonly origin: Origin;
  readonly files: readonly Companion[];
}

/** @throws HyperionError as `openModel` */
export async function openSource(path: string): Promise<Source> {
  const checkpoint = await openCheckpoint(path, { tokenizer: false });
  if (checkpoint.format === 'gguf') return openGgufSource(checkpoint);
  if (checkpoint.format === 'tmai') {
    const tmai = await requireTmai(checkpoint.path);
    return { checkpoint, origin: tmai.header.origin, files: readTmaiSections(tmai) };
  }
  const files = await readCompanions(dirname(checkpoint.configPath));
  return { checkpoint, origin: { format: 'safetensors' }, files };
}

/** The header is kept as it is: it has the tokenizer, and from it the file can be made again. */
async function openGgufSource(checkpoint: Checkpoint): Promise<Source> {
  const { configPath: path, tensors } = checkpoint;
  const architecture = (await readGgufMetadata(path, 0)).text('general.architecture');
  const { file, size } = await openFile(path);
  try {
    const own = tensors.filter((tensor) => tensor.file === path);
    const header = Buffer.alloc(Math.min(size, ...own.map(({ offset }) => offset)));
    await readFully(path, file, 0, header);
    const offsets = Object.fromEntries(own.map(({ name, offset }) => [name, offset]));
    const whole = own.length === tensors.length ? { bytes: size, offsets } : {};
    const files = [{ name: GGUF_HEADER, data: header }];
    return { checkpoint, origin: { format: 'gguf', architecture, ...whole }, files };
  } finally {
    await file.close();
  }
}
