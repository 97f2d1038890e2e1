/** Writing a safetensors file: the header first, then data at any place and in any order; nothing shows until it is whole. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { ioError } from '../io';
import { bytesOfShape, type SafetensorsDtype } from './dtypes';

/** A tensor to be written. Its data follows that of the tensor before it. */
export interface TensorShape {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
}

/** Bytes that a tensor takes. */
export function bytesOf({ dtype, shape }: TensorShape): number {
  return bytesOfShape(dtype, shape)!;
}

/** A file under a temporary name until `finish`. Methods throw HyperionError `IO`; then `discard` is the caller's part. */
export class SafetensorsWriter {
  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly file: FileHandle,
    private readonly dataStart: number,
  ) {}

  /** Opens the temporary file and writes the header. */
  static async create(path: string, tensors: readonly TensorShape[]): Promise<SafetensorsWriter> {
    const temporary = `${path}.${process.pid}.tmp`;
    const file = await open(temporary, 'w').catch((error) => {
      throw ioError(path, error, 'write');
    });
    const header = encodeHeader(tensors);
    const writer = new SafetensorsWriter(path, temporary, file, header.length);
    try {
      await writer.#writeAt(header, 0);
      return writer;
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  /** Writes bytes of the data, `offset` bytes after its begin. Calls may overlap in time. */
  write(bytes: Uint8Array, offset: number): Promise<void> {
    return this.#writeAt(bytes, this.dataStart + offset);
  }

  /** Gives the file its name. What stood under that name is replaced. */
  async finish(): Promise<void> {
    await this.#attempt(async () => {
      await this.file.close();
      await rename(this.temporary, this.path);
    });
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await this.file.close().catch(() => {});
    await rm(this.temporary, { force: true });
  }

  #writeAt(bytes: Uint8Array, position: number): Promise<void> {
    return this.#attempt(async () => {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.file.write(bytes, done, bytes.length - done, position + done);
        done += bytesWritten;
      }
    });
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    await action().catch((error) => {
      throw ioError(this.path, error, 'write');
    });
  }
}

function encodeHeader(tensors: readonly TensorShape[]): Buffer {
  let end = 0;
  const entries = tensors.map((tensor) => {
    const begin = end;
    end += bytesOf(tensor);
    const { name, dtype, shape } = tensor;
    return [name, { dtype, shape, data_offsets: [begin, end] }];
  });
  const json = Buffer.from(
    JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) }),
  );
  // The format pads with spaces, so that the data is aligned for every element type.
  const padded = Math.ceil(json.length / 8) * 8;
  const header = Buffer.alloc(8 + padded, ' ');
  header.writeBigUInt64LE(BigInt(padded));
  json.copy(header, 8);
  return header;
}

/** Writes whole tensors, each given as the bytes of its values. */
export async function writeSafetensors(
  path: string,
  tensors: readonly (TensorShape & { readonly data: Uint8Array })[],
): Promise<void> {
  const writer = await SafetensorsWriter.create(path, tensors);
  try {
    let offset = 0;
    for (const { data } of tensors) {
      await writer.write(data, offset);
      offset += data.length;
    }
    await writer.finish();
  } catch (error) {
    await writer.discard();
    throw error;
  }
}
