/** Elements that the engine does not compute with, as float32 numbers: integers, F64, truth values and the small floats. */
import { blockOf, type Dtype } from './dtypes';

type Decode = (bytes: DataView, out: Float32Array) => void;

/** Fills `out` with what each call of `read` gives for the offsets 0, `size`, 2 · `size`, … */
function each(size: number, read: (bytes: DataView, offset: number) => number): Decode {
  return (bytes, out) => {
    for (let i = 0; i < out.length; i += 1) out[i] = read(bytes, i * size);
  };
}

/** The same for elements of at most a byte, from a table of all their values. */
function byTable(values: Float32Array): Decode {
  return each(1, (bytes, offset) => values[bytes.getUint8(offset)]!);
}

/** Elements of fewer bits than a byte, packed from the lowest bit on. */
function packed(bits: number, values: Float32Array): Decode {
  return (bytes, out) => {
    for (let i = 0; i < out.length; i += 1) {
      const [byte, shift] = [(i * bits) >> 3, (i * bits) & 7];
      const high = byte + 1 < bytes.byteLength ? bytes.getUint8(byte + 1) << 8 : 0;
      out[i] = values[((bytes.getUint8(byte) | high) >> shift) & ((1 << bits) - 1)]!;
    }
  };
}

/**
 * All values of a small float: sign, `exponentBits`, `fractionBits`. Which codes are no numbers differs (OCP Microscaling
 * Formats v1.0, section 5.3): `ieee` keeps the largest exponent for infinities and NaN, `nan` all ones for NaN, `none` has neither.
 */
function smallFloats(
  exponentBits: number,
  fractionBits: number,
  special: 'ieee' | 'nan' | 'none',
): Float32Array {
  const sign = 1 << (exponentBits + fractionBits);
  const bias = 2 ** (exponentBits - 1) - 1;
  const largest = 2 ** exponentBits - 1;
  return Float32Array.from({ length: 2 * sign }, (_, code) => {
    const exponent = (code >> fractionBits) & largest;
    const fraction = code & ((1 << fractionBits) - 1);
    const factor = code & sign ? -1 : 1;
    if (special === 'ieee' && exponent === largest)
      return fraction ? Number.NaN : factor * Number.POSITIVE_INFINITY;
    if (special === 'nan' && (code & (sign - 1)) === sign - 1) return Number.NaN;
    const significand = fraction / 2 ** fractionBits + (exponent > 0 ? 1 : 0);
    return factor * significand * 2 ** (Math.max(exponent, 1) - bias);
  });
}

/** Powers of two from 2^-127 on; the last code is NaN. */
const EXPONENTS = Float32Array.from({ length: 256 }, (_, code) =>
  code === 255 ? Number.NaN : 2 ** (code - 127),
);

const DECODERS: Readonly<Partial<Record<Dtype, Decode>>> = {
  BOOL: each(1, (bytes, offset) => (bytes.getUint8(offset) ? 1 : 0)),
  F4: packed(4, smallFloats(2, 1, 'none')),
  F6_E2M3: packed(6, smallFloats(2, 3, 'none')),
  F6_E3M2: packed(6, smallFloats(3, 2, 'none')),
  F8_E5M2: byTable(smallFloats(5, 2, 'ieee')),
  F8_E4M3: byTable(smallFloats(4, 3, 'nan')),
  F8_E8M0: byTable(EXPONENTS),
  U8: each(1, (bytes, offset) => bytes.getUint8(offset)),
  I8: each(1, (bytes, offset) => bytes.getInt8(offset)),
  U16: each(2, (bytes, offset) => bytes.getUint16(offset, true)),
  I16: each(2, (bytes, offset) => bytes.getInt16(offset, true)),
  U32: each(4, (bytes, offset) => bytes.getUint32(offset, true)),
  I32: each(4, (bytes, offset) => bytes.getInt32(offset, true)),
  F64: each(8, (bytes, offset) => bytes.getFloat64(offset, true)),
  U64: each(8, (bytes, offset) => Number(bytes.getBigUint64(offset, true))),
  I64: each(8, (bytes, offset) => Number(bytes.getBigInt64(offset, true))),
};

/** Whether `decode` knows the type. */
export function canDecode(dtype: Dtype): boolean {
  return DECODERS[dtype] !== undefined;
}

/**
 * Decodes as many elements as `out` holds; what float32 has no number for is rounded to the nearest.
 *
 * @param bytes whole blocks of the type, see `blockOf`
 * @example
 * ```ts
 * const out = new Float32Array(2);
 * decode('I16', Uint8Array.of(1, 0, 255, 255), out);
 * [...out]; // [1, -1]
 * ```
 */
export function decode(dtype: Dtype, bytes: Uint8Array, out: Float32Array): void {
  DECODERS[dtype]!(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), out);
}

/** Bytes of so many elements, which are whole blocks or end the tensor. */
export function bytesOfElements(dtype: Dtype, count: number): number {
  const { elements, bytes } = blockOf(dtype);
  return Math.ceil(count / elements) * bytes;
}
