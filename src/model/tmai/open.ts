/** A .tmai 2 file as a model: configuration, tensors and tokenizer, all from the file itself. */
import { HyperionError } from '../../errors';
import type { ModelContents } from '../contents';
import { bytesOfShape } from '../dtypes';
import { readGgufMetadata } from '../gguf/header';
import { ggufName } from '../gguf/names';
import { ggufTokenizer } from '../gguf/tokenizer';
import type { TensorInfo } from '../tensor-info';
import { Tokenizer } from '../tokenizer';
import { GGUF_HEADER } from './format';
import { readTmai, type TmaiFile } from './read';
import { checksumsOf, readTmaiSection } from './sections';

/**
 * Reads the header of a .tmai 2 file; a tokenizer that is asked for is read when it is first used.
 *
 * @throws HyperionError `IO`, `BAD_FORMAT`, `CORRUPT`; `UNSUPPORTED` for version 1
 */
export async function openTmai(path: string, options: { tokenizer: boolean }): Promise<ModelContents> {
  const file = await requireTmai(path);
  const { config, endIds, origin } = file.header;
  return {
    configPath: path,
    config,
    tensors: tensorsOf(file),
    tokenizer: options.tokenizer ? await readTokenizer(file) : null,
    endIds,
    checksums: checksumsOf(file),
    ...(origin.format === 'gguf' && { fileName: (name: string) => ggufName(origin.architecture, name) }),
  };
}

/**
 * The header of a file that must be of version 2.
 *
 * @throws HyperionError as `openTmai`
 */
export async function requireTmai(path: string): Promise<TmaiFile> {
  const file = await readTmai(path);
  if (file) return file;
  const message =
    `${path} is of .tmai 1, whose layers say nothing of their tensors: they can be listed (hyperion inspect) and not ` +
    'computed with; convert the model that it was made from';
  throw new HyperionError('UNSUPPORTED', message, { path });
}

function tensorsOf({ path, header, dataStart }: TmaiFile): TensorInfo[] {
  return header.tensors.map(({ name, dtype, shape, offset, recipe }) => {
    const bytes = bytesOfShape(dtype, shape)!;
    return { name, dtype, shape, bytes, offset: dataStart + offset, file: path, recipe };
  });
}

async function readTokenizer(file: TmaiFile): Promise<Tokenizer | null> {
  const { path, header, dataStart } = file;
  const gguf = header.files.find(({ name }) => name === GGUF_HEADER);
  if (gguf) return ggufTokenizer(await readGgufMetadata(path, dataStart + gguf.offset));
  const files = checksumsOf(file).files.map(
    (range) => [range.name, () => readTmaiSection(file, range)] as const,
  );
  return Tokenizer.fromFiles(path, new Map(files));
}
