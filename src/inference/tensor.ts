/** One tensor of an opened model: its description, and its values when they are asked for. */
import { HyperionError } from '../errors';
import type { Handle } from '../memory/handle';
import type { TensorInfo } from '../model/checkpoint';
import { type Dtype, isFloatDtype, toFloat32 } from '../model/dtypes';
import { native } from '../native';

/**
 * A tensor that can be read. What is read is an array of JavaScript, outside of any budget.
 *
 * @example
 * ```ts
 * const model = await openModel('model');
 * const tensor = model.tensor('model.norm.weight');
 * const values = await tensor.values();
 * values.length === tensor.shape[0]; // true
 * ```
 */
export class Tensor implements Pick<TensorInfo, 'name' | 'dtype' | 'shape' | 'bytes'> {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: number;

  /** Tensors come from `model.tensor(name)`; `index` is the engine's number, undefined when it cannot hold the type. */
  constructor(
    info: TensorInfo,
    private readonly model: Handle,
    private readonly index: number | undefined,
  ) {
    this.name = info.name;
    this.dtype = info.dtype;
    this.shape = info.shape;
    this.bytes = info.bytes;
  }

  /**
   * The bytes as they are in the file.
   *
   * @throws HyperionError `UNSUPPORTED` for types that the engine does not compute with, `IO`, `CORRUPT`, `CLOSED`
   */
  async read(): Promise<Uint8Array> {
    const handle = this.model.get();
    if (this.index === undefined) throw this.#unsupported();
    const bytes = new Uint8Array(this.bytes);
    await native().readTensor(handle, this.index, bytes);
    return bytes;
  }

  /** The values as float32 numbers, row by row; exact for every type that can be read. Throws as `read` does. */
  async values(): Promise<Float32Array> {
    const bytes = await this.read();
    if (!isFloatDtype(this.dtype)) throw this.#unsupported();
    return toFloat32(bytes, this.dtype);
  }

  toString(): string {
    return `${this.name}: ${this.dtype} [${this.shape.join(', ')}]`;
  }

  #unsupported(): HyperionError {
    return new HyperionError(
      'UNSUPPORTED',
      `tensor '${this.name}' is ${this.dtype}; F32, F16 and BF16 can be read`,
    );
  }
}
