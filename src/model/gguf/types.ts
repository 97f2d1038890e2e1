/** The numbers by which GGUF names types: of metadata values, and of a tensor's elements. Source: ggml, `gguf.h`, `ggml.h`. */
import type { Dtype } from '../dtypes';

/** A type of metadata value: its name, and its bytes where every value has as many. */
export interface ValueType {
  readonly name: keyof typeof VALUE_BYTES;
  readonly bytes: number | undefined;
}

const VALUE_BYTES = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bool: 1,
  text: undefined,
  array: undefined,
  u64: 8,
  i64: 8,
  f64: 8,
} as const;

const VALUE_TYPES = Object.entries(VALUE_BYTES).map(([name, bytes]) => ({ name, bytes }) as ValueType);

/** The type that a file gives by this number; undefined when the format has none. */
export function valueType(number: number): ValueType | undefined {
  return VALUE_TYPES[number];
}

/** Numbers that are left out here were given up by ggml, or name types that no file holds. */
const TENSOR_TYPES: Readonly<Record<number, Dtype>> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  6: 'Q5_0',
  7: 'Q5_1',
  8: 'Q8_0',
  9: 'Q8_1',
  10: 'Q2_K',
  11: 'Q3_K',
  12: 'Q4_K',
  13: 'Q5_K',
  14: 'Q6_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  30: 'BF16',
  34: 'TQ1_0',
  35: 'TQ2_0',
  39: 'MXFP4',
  40: 'NVFP4',
  41: 'Q1_0',
};

/** The element type that a file gives by this number; undefined when it is not known. */
export function tensorDtype(number: number): Dtype | undefined {
  return TENSOR_TYPES[number];
}

/** The number of an element type; undefined when GGUF has none for it. */
export function tensorType(dtype: Dtype): number | undefined {
  const found = Object.entries(TENSOR_TYPES).find(([, name]) => name === dtype);
  return found && Number(found[0]);
}
