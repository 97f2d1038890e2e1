/** Writing a safetensors file: the header first, then data at any place and in any order; nothing shows until it is whole. */
import { bytesOfShape, type SafetensorsDtype } from './dtypes';
import { makeFile } from './new-file';

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

/** Writes bytes of the data, `offset` bytes after its begin. Calls may overlap in time and come in any order. */
export type WriteData = (bytes: Uint8Array, offset: number) => Promise<void>;

/**
 * Makes a safetensors file: the header is written here, the data by `fill`. When it fails, what stood at the path does so
 * still.
 *
 * @throws HyperionError `IO`, and what `fill` throws
 */
export async function makeSafetensors(
  path: string,
  tensors: readonly TensorShape[],
  fill: (write: WriteData) => Promise<void>,
): Promise<void> {
  const header = encodeHeader(tensors);
  await makeFile(path, async (file) => {
    await file.write(header, 0);
    await fill((bytes, offset) => file.write(bytes, header.length + offset));
  });
}

/** Writes whole tensors, each given as the bytes of its values. */
export async function writeSafetensors(
  path: string,
  tensors: readonly (TensorShape & { readonly data: Uint8Array })[],
): Promise<void> {
  await makeSafetensors(path, tensors, async (write) => {
    let offset = 0;
    for (const { data } of tensors) {
      await write(data, offset);
      offset += data.length;
    }
  });
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
