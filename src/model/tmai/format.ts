/**
 * The format .tmai 2. Little endian: u32 magic, u32 version, u64 bytes of the header, the header (JSON), then from the next
 * multiple of 4 KiB on the small files of the model, one after another, and the layers in the order of execution. A layer
 * begins at a multiple of 4 KiB and holds its tensors in the order of execution, each at a multiple of 64 bytes; a tensor
 * that an earlier layer holds is not held again. Offsets in the header count from the first of those multiples of 4 KiB.
 */
import { bytesOfShape, type Dtype } from '../dtypes';
import type { JsonObject } from '../json';

/** 'TMAI' as a number: on the disk its bytes stand the other way round. */
export const MAGIC = 0x544d4149;
/** Magic, version and length. */
export const PREFIX_BYTES = 16;
export const LAYER_ALIGNMENT = 4096;
const TENSOR_ALIGNMENT = 64;
/** The recipe of a tensor whose bits are the origin's. */
export const COPIED = 'copied';
/** The small file that holds the header of the GGUF file which a model came from, byte for byte. */
export const GGUF_HEADER = 'header.gguf';

/** Bytes of the file with their checksum: CRC-32 as zlib computes it, in eight hexadecimal digits. */
export interface Section {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  readonly crc32: string;
}

export interface TmaiLayer extends Section {
  /** names of all tensors that the layer computes with, in the order of execution */
  readonly tensors: readonly string[];
}

export interface TmaiTensor {
  readonly name: string;
  readonly dtype: Dtype;
  /** outermost first */
  readonly shape: readonly number[];
  readonly offset: number;
  /** how it was made of the origin's tensor, in a line of ASCII; files without recipes hold copies */
  readonly recipe: string;
}

/** What the model was converted from. A GGUF file that was one file can be made again to the byte. */
export type Origin =
  | { readonly format: 'safetensors' }
  | {
      readonly format: 'gguf';
      /** as the file names it; the names of tensors follow from it */
      readonly architecture: string;
      /** bytes of the one file; absent when it was split */
      readonly bytes?: number;
      /** where each tensor lay in it */
      readonly offsets?: Readonly<Record<string, number>>;
    };

export interface TmaiHeader {
  readonly origin: Origin;
  /** as config.json has it in a Hugging Face folder */
  readonly config: JsonObject;
  /** tokens that end a text */
  readonly endIds: readonly number[];
  /** tokenizer.json and the like, byte for byte */
  readonly files: readonly Section[];
  readonly layers: readonly TmaiLayer[];
  readonly tensors: readonly TmaiTensor[];
}

/** What there is to lay out: sizes without places. */
export interface Contents {
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly layers: readonly { readonly name: string; readonly tensors: readonly string[] }[];
  readonly tensors: readonly Omit<TmaiTensor, 'offset'>[];
}

export interface Layout {
  readonly files: readonly Omit<Section, 'crc32'>[];
  /** `held` are the tensors whose bytes lie in the layer, in their order */
  readonly layers: readonly (Omit<TmaiLayer, 'crc32'> & { readonly held: readonly TmaiTensor[] })[];
  /** all tensors in the order of their bytes */
  readonly tensors: readonly TmaiTensor[];
  readonly bytes: number;
}

/** Where everything lies: the one place that knows the rules above, for writing and for checking what was read. */
export function layOut({ files, layers, tensors }: Contents): Layout {
  const waiting = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  let end = 0;
  const placedFiles = files.map(({ name, bytes }) => {
    const offset = end;
    end += bytes;
    return { name, offset, bytes };
  });
  const placedLayers = layers.map(({ name, tensors: names }) => {
    const offset = alignTo(LAYER_ALIGNMENT, end);
    end = offset;
    const held: TmaiTensor[] = [];
    for (const tensor of names.map((tensorName) => waiting.get(tensorName))) {
      if (!tensor) continue;
      waiting.delete(tensor.name);
      const begin = alignTo(TENSOR_ALIGNMENT, end);
      held.push({ ...tensor, offset: begin });
      end = begin + bytesOfShape(tensor.dtype, tensor.shape)!;
    }
    return { name, offset, bytes: end - offset, tensors: names, held };
  });
  return {
    files: placedFiles,
    layers: placedLayers,
    tensors: placedLayers.flatMap(({ held }) => held),
    bytes: end,
  };
}

/** Where offsets count from. */
export function dataStart(headerBytes: number): number {
  return alignTo(LAYER_ALIGNMENT, PREFIX_BYTES + headerBytes);
}

function alignTo(alignment: number, offset: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
