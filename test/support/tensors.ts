/** Safetensors files with tensors of a test's own, written without the project's writer. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface OwnTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Adds tensors to the one weights file of a model folder; no layer uses them. */
export function addTensors(folder: string, added: Readonly<Record<string, OwnTensor>>): void {
  const path = join(folder, 'model.safetensors');
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE());
  const header = JSON.parse(file.toString('utf8', 8, 8 + length));
  const data = [file.subarray(8 + length)];
  let end = data[0]!.length;
  for (const [name, { dtype, shape, bytes }] of Object.entries(added)) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    data.push(Buffer.from(bytes));
    end += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([prefix, json, ...data]));
}

/** The bytes of a typed array. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
