/** One tensor of an opened model: its description, and its bytes and values when they are asked for. */
import { type Figure, jupyterDisplay, type MimeBundle } from '../display';
import { HyperionError } from '../errors';
import type { Handle } from '../memory/handle';
import { native } from '../native';
import type { TensorCache } from './cache/tensor-cache';
import { type Dtype, isComputeDtype } from './dtypes';
import { resolveSignal } from './signal';
import { BlocksBuilder, HistogramBuilder, MomentsBuilder, TensorStatistics } from './statistics';
import type { TensorInfo } from './tensor-info';
import { TensorView } from './tensor-view';
import { bytesOfElements, canDecode, decode } from './values';

export interface StatisticsOptions {
  /** bins of the histogram; default 64 */
  readonly bins?: number;
  readonly signal?: AbortSignal;
}

/** Elements that are read and looked at together, some milliseconds of work; whole blocks of every type. */
const CHUNK = 2 ** 18;
/** Blocks of a picture in each direction. */
const MOST_BLOCKS = 48;

/**
 * A tensor that can be read. What `read` and `readBytes` give is an array of JavaScript, outside of any budget; a view is memory of the
 * model's cache.
 *
 * @example
 * ```ts
 * const model = await openModel('model');
 * const tensor = model.tensor('model.norm.weight');
 * const values = await tensor.read();
 * values.length === tensor.shape[0]; // true
 * const view = await tensor.view();
 * view.data[0] === values[0]; // true
 * view.close();
 * (await tensor.statistics()).max >= (await tensor.statistics()).mean; // true
 * ```
 */
export class Tensor implements Pick<TensorInfo, 'name' | 'dtype' | 'shape' | 'bytes'> {
  readonly name: string;
  readonly dtype: Dtype;
  /** outermost axis first */
  readonly shape: readonly number[];
  readonly bytes: number;
  /** elements */
  readonly length: number;

  /** Tensors come from `model.tensor(name)`; `index` is the engine's number. */
  constructor(
    info: TensorInfo,
    private readonly model: Handle,
    private readonly index: number,
    private readonly cache: TensorCache,
  ) {
    this.name = info.name;
    this.dtype = info.dtype;
    this.shape = info.shape;
    this.bytes = info.bytes;
    this.length = info.shape.reduce((product, size) => product * size, 1);
  }

  /**
   * The values as float32 numbers, row by row: exact where float32 has the number, else the nearest.
   *
   * @throws HyperionError `UNSUPPORTED` for types that have no such numbers, `IO`, `CORRUPT`, `CANCELLED`, `CLOSED`
   */
  async read({ signal }: { readonly signal?: AbortSignal } = {}): Promise<Float32Array> {
    this.#checkDecodable();
    const values = new Float32Array(this.length);
    for await (const _ of this.#chunks(values, resolveSignal(signal)));
    return values;
  }

  /** The bytes as they are in the file. @throws HyperionError `IO`, `CORRUPT`, `CLOSED` */
  async readBytes(): Promise<Uint8Array> {
    const bytes = new Uint8Array(this.bytes);
    await native().readTensor(this.model.get(), this.index, bytes);
    return bytes;
  }

  /**
   * The bytes in the model's cache, without a copy; read from the file first if need be. They stay until the view is closed.
   *
   * @throws HyperionError `OVER_BUDGET` when the cache has no room, `IO`, `CORRUPT`, `CLOSED`
   */
  async view(): Promise<TensorView> {
    this.model.get();
    const entry = this.cache.entry(this.name);
    await this.cache.pin(entry);
    return new TensorView(this, this.cache, entry);
  }

  /**
   * Least, largest and mean value, standard deviation, share of zeros, histogram and, for a picture, means of blocks. The tensor is
   * read twice, in pieces; it never is in memory as a whole.
   *
   * @throws HyperionError as `read`
   */
  async statistics({ bins = 64, signal }: StatisticsOptions = {}): Promise<TensorStatistics> {
    this.#checkDecodable();
    const stop = resolveSignal(signal);
    const moments = new MomentsBuilder();
    for await (const { values } of this.#chunks(undefined, stop)) moments.add(values);
    const { min, max } = moments.moments;
    const histogram = new HistogramBuilder(min, max, bins);
    const columns = this.shape.at(-1) ?? 1;
    const isMatrix = this.length > 0 && columns < this.length;
    const blocks = isMatrix ? new BlocksBuilder(this.length / columns, columns, MOST_BLOCKS) : null;
    for await (const { first, values } of this.#chunks(undefined, stop)) {
      histogram.add(values);
      blocks?.add(first, values);
    }
    return new TensorStatistics(String(this), moments.moments, histogram.bins, blocks?.blocks ?? null);
  }

  /** A matrix as a picture of its blocks, a vector as a histogram. @throws HyperionError as `read` */
  async plot(): Promise<Figure> {
    return (await this.statistics()).plot();
  }

  toString(): string {
    return `${this.name}: ${this.dtype} [${this.shape.join(', ')}]`;
  }

  async [jupyterDisplay](): Promise<MimeBundle> {
    const canBeDrawn = isComputeDtype(this.dtype) || canDecode(this.dtype);
    return canBeDrawn ? (await this.plot())[jupyterDisplay]() : { 'text/plain': this.toString() };
  }

  /** All values, in pieces: of `into`, or in an array that is used again. */
  async *#chunks(into: Float32Array | undefined, signal: AbortSignal) {
    const own = into ?? new Float32Array(Math.min(CHUNK, this.length));
    const chunk = isComputeDtype(this.dtype) ? 0 : Math.min(CHUNK, this.length);
    const bytes = new Uint8Array(bytesOfElements(this.dtype, chunk));
    for (let first = 0; first < this.length; first += CHUNK) {
      if (signal.aborted)
        throw new HyperionError(
          'CANCELLED',
          `reading tensor '${this.name}' was cancelled`,
          {},
          { cause: signal.reason },
        );
      const count = Math.min(CHUNK, this.length - first);
      const begin = into ? first : 0;
      const values = own.subarray(begin, begin + count);
      await this.#readValues(first, values, bytes);
      yield { first, values };
    }
  }

  async #readValues(first: number, out: Float32Array, scratch: Uint8Array): Promise<void> {
    const handle = this.model.get();
    if (isComputeDtype(this.dtype)) return native().readValues(handle, this.index, first, out);
    const begin = bytesOfElements(this.dtype, first);
    const bytes = scratch.subarray(0, bytesOfElements(this.dtype, out.length));
    await native().readTensorPart(handle, this.index, begin, bytes);
    decode(this.dtype, bytes, out);
  }

  #checkDecodable(): void {
    this.model.get();
    if (isComputeDtype(this.dtype) || canDecode(this.dtype)) return;
    throw new HyperionError(
      'UNSUPPORTED',
      `tensor '${this.name}' is ${this.dtype}, which is not converted to float32; readBytes() gives its bytes`,
      { tensor: this.name },
    );
  }
}
