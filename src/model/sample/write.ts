/** Models of real shapes with seeded random weights, written as fast as the disk takes them. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { checkChoice, checkInteger } from '../../checks';
import { HyperionError } from '../../errors';
import { ioError, writeWhole } from '../../io';
import { type FloatDtype, native } from '../../native';
import { indexOf, shardName, splitShards } from '../safetensors-shards';
import { bytesOf, makeSafetensors, type TensorShape } from '../safetensors-writer';
import { type SampleTensor, sampleConfig, sampleTensors } from './describe';
import { checkShape, SHAPES, type Shape, type ShapeName } from './shapes';
import { byteTokenizer } from './tokenizer';

export interface SampleOptions {
  readonly shape: ShapeName;
  readonly dtype: 'f32' | 'f16' | 'bf16';
  /** the folder to write; it is made when missing, and must be empty unless `force` */
  readonly directory: string;
  /** 0 to 2^53 - 1; equal seeds give equal files. Default 0. */
  readonly seed?: number;
  /** Sizes other than the shape's own. */
  readonly sizes?: Partial<
    Pick<Shape, 'layers' | 'hidden' | 'heads' | 'kvHeads' | 'intermediate' | 'vocab' | 'context'>
  >;
  /** Replaces the model that is in the folder. Default false. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  /** called with the bytes written so far and the bytes in all */
  readonly onProgress?: (done: number, total: number) => void;
}

const CHUNK = 4 * 2 ** 20;
/** Chunks in the making at a time: some are filled while others are written. */
const LANES = 4;
const STANDARD_DEVIATION = 0.02;

/**
 * Writes a model of a published shape with seeded random weights: config.json, safetensors (sharded above 2 GB), and a
 * tokenizer with a token per byte. Projections and biases are drawn with a standard deviation of 0.02, norms are 1.
 *
 * @returns bytes of all tensors
 * @throws HyperionError `INVALID` for an option or a folder that is not empty, `IO`, `CANCELLED`
 * @example
 * ```ts
 * await writeSample({ shape: 'smollm2-135m', dtype: 'bf16', directory: 'sample', sizes: { layers: 2, vocab: 512 } });
 * const model = await openModel('sample');
 * model.layers.length; // 7
 * ```
 */
export async function writeSample(options: SampleOptions): Promise<number> {
  const name = checkChoice('shape', options.shape, Object.keys(SHAPES) as ShapeName[]);
  const dtype = checkChoice('dtype', options.dtype, ['f32', 'f16', 'bf16']).toUpperCase() as FloatDtype;
  const seed = checkInteger('seed', options.seed ?? 0, 0, Number.MAX_SAFE_INTEGER);
  const shape = resize(SHAPES[name], options.sizes ?? {});
  const directory = resolve(options.directory);
  await prepare(directory, options.force ?? false);

  const shards = splitShards(sampleTensors(shape).map((tensor) => ({ ...tensor, dtype })));
  const total = shards.flat().reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  const values: Values = { dtype, seed, signal: options.signal, firstElement: 0, done: 0 };
  const report = () => options.onProgress?.(values.done, total);
  for (const [index, tensors] of shards.entries()) {
    await writeShard(join(directory, shardName(index, shards.length)), tensors, values, report);
  }
  if (shards.length > 1) await writeJson(directory, 'model.safetensors.index.json', indexOf(shards));
  await writeJson(directory, 'tokenizer.json', byteTokenizer(shape.vocab));
  // Last, so that a folder in the making does not pass for a model.
  await writeJson(directory, 'config.json', sampleConfig(shape, dtype));
  return total;
}

function resize(shape: Shape, sizes: NonNullable<SampleOptions['sizes']>): Shape {
  const given = Object.entries(sizes).filter(([, size]) => size !== undefined);
  for (const [name, size] of given) checkInteger(name, size, 1, 2 ** 24);
  const resized = { ...shape, ...Object.fromEntries(given) };
  checkShape(resized);
  return resized;
}

const OWN_FILES = /^(config|tokenizer)\.json$|^model(-\d+-of-\d+)?\.safetensors(\.index\.json)?$/;

async function prepare(directory: string, force: boolean): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    const present = await readdir(directory);
    if (present.length > 0 && !force)
      throw new HyperionError(
        'INVALID',
        `${directory} is not empty; name another folder, or replace it with force`,
      );
    for (const file of present) if (OWN_FILES.test(file)) await rm(join(directory, file));
  } catch (error) {
    throw error instanceof HyperionError ? error : ioError(directory, error, 'write');
  }
}

type Planned = SampleTensor & TensorShape;

/** How values are made; `firstElement` and `done` move on from file to file. */
interface Values {
  readonly dtype: FloatDtype;
  readonly seed: number;
  readonly signal: AbortSignal | undefined;
  firstElement: number;
  done: number;
}

async function writeShard(
  path: string,
  tensors: readonly Planned[],
  values: Values,
  report: () => void,
): Promise<void> {
  const chunks = chunksOf(tensors, values);
  await makeSafetensors(path, tensors, async (write) => {
    let failure: unknown;
    const lane = async () => {
      const buffer = new Uint8Array(CHUNK);
      for (const { bytes, fill, offset } of chunks) {
        if (failure) return;
        if (values.signal?.aborted) throw new HyperionError('CANCELLED', `writing ${path} was cancelled`);
        const chunk = buffer.subarray(0, bytes);
        await fill(chunk);
        await write(chunk, offset);
        values.done += bytes;
        report();
      }
    };
    // All lanes end before the file does.
    const lanes = Array.from({ length: LANES }, () =>
      lane().catch((error) => {
        failure ??= error;
      }),
    );
    await Promise.all(lanes);
    if (failure) throw failure;
  });
}

interface Chunk {
  readonly bytes: number;
  /** from the begin of the file's data */
  readonly offset: number;
  fill(out: Uint8Array): Promise<void>;
}

/** One iterator that all lanes share: each chunk is taken once. */
function* chunksOf(tensors: readonly Planned[], values: Values): Generator<Chunk, void> {
  const { dtype, seed } = values;
  const size = dtype === 'F32' ? 4 : 2;
  let offset = 0;
  for (const tensor of tensors) {
    const end = offset + bytesOf(tensor);
    while (offset < end) {
      const bytes = Math.min(CHUNK, end - offset);
      const first = values.firstElement;
      const fill =
        tensor.fill === 'ones'
          ? async (out: Uint8Array) => fillOnes(out, dtype)
          : (out: Uint8Array) => native().fillNormal(out, dtype, seed, first, STANDARD_DEVIATION);
      yield { bytes, offset, fill };
      values.firstElement += bytes / size;
      offset += bytes;
    }
  }
}

const ONE = { F32: 0x3f800000, F16: 0x3c00, BF16: 0x3f80 } as const;

function fillOnes(out: Uint8Array, dtype: FloatDtype): void {
  if (dtype === 'F32') new Uint32Array(out.buffer, out.byteOffset, out.length / 4).fill(ONE.F32);
  else new Uint16Array(out.buffer, out.byteOffset, out.length / 2).fill(ONE[dtype]);
}

async function writeJson(directory: string, name: string, value: object): Promise<void> {
  await writeWhole(join(directory, name), `${JSON.stringify(value, null, name === 'config.json' ? 2 : 0)}\n`);
}
