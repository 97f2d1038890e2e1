/**
 * The element types of safetensors and GGUF files, as data: how many elements a block holds and how many bytes it takes.
 * The engine computes with those that `native.ts` lists; the others can be listed and read as bytes.
 */
import { COMPUTE_DTYPES, type ComputeDtype, type FloatDtype } from '../native';

/** What is stored together: `elements` numbers in `bytes` bytes. */
export interface Block {
  readonly elements: number;
  readonly bytes: number;
}

const block = (elements: number, bytes: number): Block => ({ elements, bytes });

/** Elements stand alone, or share a few bytes whatever row they are of. */
const SAFETENSORS = {
  BOOL: block(1, 1),
  F4: block(2, 1),
  F6_E2M3: block(4, 3),
  F6_E3M2: block(4, 3),
  U8: block(1, 1),
  I8: block(1, 1),
  F8_E5M2: block(1, 1),
  F8_E4M3: block(1, 1),
  F8_E8M0: block(1, 1),
  I16: block(1, 2),
  U16: block(1, 2),
  F16: block(1, 2),
  BF16: block(1, 2),
  I32: block(1, 4),
  U32: block(1, 4),
  F32: block(1, 4),
  C64: block(1, 8),
  F64: block(1, 8),
  I64: block(1, 8),
  U64: block(1, 8),
} as const;

/** What GGUF files have beside F32, F16, BF16, F64 and I8 to I64: every row is whole blocks. Sizes: ggml, ggml-common.h. */
const QUANTIZED = {
  Q4_0: block(32, 18),
  Q4_1: block(32, 20),
  Q5_0: block(32, 22),
  Q5_1: block(32, 24),
  Q8_0: block(32, 34),
  Q8_1: block(32, 36),
  Q2_K: block(256, 84),
  Q3_K: block(256, 110),
  Q4_K: block(256, 144),
  Q5_K: block(256, 176),
  Q6_K: block(256, 210),
  Q8_K: block(256, 292),
  IQ1_S: block(256, 50),
  IQ1_M: block(256, 56),
  IQ2_XXS: block(256, 66),
  IQ2_XS: block(256, 74),
  IQ2_S: block(256, 82),
  IQ3_XXS: block(256, 98),
  IQ3_S: block(256, 110),
  IQ4_NL: block(32, 18),
  IQ4_XS: block(256, 136),
  TQ1_0: block(256, 54),
  TQ2_0: block(256, 66),
  MXFP4: block(32, 17),
  NVFP4: block(64, 36),
  Q1_0: block(128, 18),
} as const;

/** An element type of safetensors files, by the name that they give it. */
export type SafetensorsDtype = keyof typeof SAFETENSORS;

/** An element type, as safetensors and GGUF files name it. */
export type Dtype = SafetensorsDtype | keyof typeof QUANTIZED;

/** True of the names that safetensors files may have. */
export function isSafetensorsDtype(name: unknown): name is SafetensorsDtype {
  return typeof name === 'string' && Object.hasOwn(SAFETENSORS, name);
}

/** True of the names that this table has. */
export function isDtype(name: unknown): name is Dtype {
  return isSafetensorsDtype(name) || (typeof name === 'string' && Object.hasOwn(QUANTIZED, name));
}

/** The block of an element type: for F32 one element in 4 bytes, for Q4_0 32 elements in 18. */
export function blockOf(dtype: Dtype): Block {
  return isSafetensorsDtype(dtype) ? SAFETENSORS[dtype] : QUANTIZED[dtype];
}

/**
 * Bytes of a tensor of whole numbers `shape` (outermost first); undefined when they are not whole blocks, in each row for
 * the quantized types, or more than can be counted exactly (2^53).
 */
export function bytesOfShape(dtype: Dtype, shape: readonly number[]): number | undefined {
  const { elements, bytes } = blockOf(dtype);
  let count = 1;
  for (const size of shape) {
    count *= size;
    // A product beyond 2^53 is no longer exact, so it is refused even when a later extent is 0.
    if (!Number.isSafeInteger(count)) return undefined;
  }
  const packed = isSafetensorsDtype(dtype) ? count : (shape.at(-1) ?? 1);
  const total = (count / elements) * bytes;
  return packed % elements === 0 && Number.isSafeInteger(total) ? total : undefined;
}

/** True of the types that the engine computes with. */
export function isComputeDtype(dtype: Dtype): dtype is ComputeDtype {
  return (COMPUTE_DTYPES as readonly string[]).includes(dtype);
}

/** True of the types whose elements stand alone as floating-point numbers that the engine computes with. */
export function isFloatDtype(dtype: Dtype): dtype is FloatDtype {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}
