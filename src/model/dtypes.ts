/** The element types of safetensors files, as data. The engine computes with three of them; the others can be listed. */
import type { ComputeDtype } from '../native';

const BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** An element type, as safetensors files name it. */
export type Dtype = keyof typeof BITS;

/** Bits of one element, or undefined for a name that the format does not have. */
export function bitsOf(dtype: unknown): number | undefined {
  return typeof dtype === 'string' && Object.hasOwn(BITS, dtype) ? BITS[dtype as Dtype] : undefined;
}

/** True of the types that the engine computes with. */
export function isComputeDtype(dtype: Dtype): dtype is ComputeDtype {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/** Elements as float32 numbers; every value of the three types is exact in float32. */
export function toFloat32(bytes: Uint8Array, dtype: ComputeDtype): Float32Array {
  const { buffer, byteOffset, byteLength } = bytes;
  if (dtype === 'F32') return new Float32Array(buffer, byteOffset, byteLength / 4);
  const halves = new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (dtype === 'F16') return Float32Array.from(halves, halfToNumber);
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}

/** IEEE 754 binary16: 1 sign bit, 5 bits of exponent, 10 of fraction. */
function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
