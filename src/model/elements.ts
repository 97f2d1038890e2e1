/** Bytes of a tensor as an array of its elements, where JavaScript has such arrays. */
import type { Dtype } from './dtypes';

type Array = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array;
export type TensorArray = Array | Float32Array | Float64Array | BigInt64Array | BigUint64Array;

/** Element types that JavaScript has arrays of; halves are seen as their 16 bits, and all others as bytes. */
const ARRAYS = {
  I8: Int8Array,
  U16: Uint16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I16: Int16Array,
  U32: Uint32Array,
  I32: Int32Array,
  F32: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
} as const;

/** The bytes as elements of the type where JavaScript has such an array, else as they are. A copy only where they lie at an odd place. */
export function elementsOf(dtype: Dtype, bytes: Uint8Array<ArrayBuffer>): TensorArray {
  const type = (ARRAYS as Partial<Record<Dtype, (typeof ARRAYS)[keyof typeof ARRAYS]>>)[dtype];
  if (!type) return bytes;
  const { buffer, byteOffset, byteLength } =
    bytes.byteOffset % type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new type(buffer, byteOffset, byteLength / type.BYTES_PER_ELEMENT);
}
