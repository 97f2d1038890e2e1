/** A layer that stays in memory while it is used, and its tensors there. */
import { markAsUntransferable } from 'node:worker_threads';
import { HyperionError } from '../errors';
import { Handle } from '../memory/handle';
import type { Dtype } from '../model/dtypes';
import { elementsOf, type TensorArray } from '../model/elements';
import type { TensorInfo } from '../model/tensor-info';
import { native } from '../native';

/** Whoever holds a view holds the pin of its layer, and so the loader, which would otherwise be closed when nobody else does. */
const pins = new WeakMap<ArrayBuffer, PinnedLayer>();

/** What a layer is made of. */
export interface LayerParts {
  readonly index: number;
  readonly name: string;
  /** the engine's numbers of its tensors */
  readonly tensors: ReadonlyMap<string, { readonly number: number; readonly info: TensorInfo }>;
}

/**
 * A pinned layer of a loader: its bytes stay where they are until `release()`. Arrays that were taken from its tensors are empty after
 * the last pin of the layer was released.
 *
 * @example
 * ```ts
 * const model = await openModel('model');
 * const loader = model.loader();
 * const layer = await loader.pin(1);
 * const { data } = layer.tensor(layer.tensors[0]);
 * data.length > 0; // true
 * layer.release();
 * data.length; // 0
 * ```
 */
export class PinnedLayer {
  readonly index: number;
  readonly name: string;
  /** names of its tensors */
  readonly tensors: readonly string[];
  readonly #handle: Handle;

  /** Pins come from `loader.pin()` and from iterating over a loader; `loader` is the engine's. */
  constructor(
    private readonly parts: LayerParts,
    private readonly loader: Handle,
    pin: number,
    /** kept while this is */
    readonly owner: object,
  ) {
    this.index = parts.index;
    this.name = parts.name;
    this.tensors = [...parts.tensors.keys()];
    this.#handle = new Handle(this, `pin of layer ${parts.name}`, pin, (number) => {
      if (!loader.closed) native().releaseLayer(loader.get(), number);
    });
  }

  /**
   * One of its tensors.
   *
   * @throws HyperionError `INVALID` when the layer has none of that name, `CLOSED` after `release()`
   */
  tensor(name: string): PinnedTensor {
    this.#pin();
    const tensor = this.parts.tensors.get(name);
    if (tensor) return new PinnedTensor(tensor.info, this, tensor.number);
    throw new HyperionError(
      'INVALID',
      `layer ${this.name} has no tensor '${name}'; it has ${this.tensors.join(', ')}`,
    );
  }

  /** Lets the layer go; arrays over it become empty with the last of its pins. Doing it again does nothing. */
  release(): void {
    this.#handle.close();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  toString(): string {
    return `pinned layer ${this.name}${this.#handle.closed ? ', released' : ''}`;
  }

  /** The bytes of a tensor where they are. @internal */
  bytes(number: number, length: number): Uint8Array<ArrayBuffer> {
    const pin = this.#pin();
    if (length === 0) return new Uint8Array();
    const buffer = native().viewLayer(this.loader.get(), pin);
    // A buffer that moved to another thread could not be detached any more.
    markAsUntransferable(buffer);
    pins.set(buffer, this);
    return new Uint8Array(buffer, native().tensorPlace(this.loader.get(), this.index, number), length);
  }

  /** @internal */
  async values(number: number, out: Float32Array): Promise<void> {
    await native().pinnedValues(this.loader.get(), this.#pin(), number, out);
  }

  #pin(): number {
    this.loader.get();
    return this.#handle.get();
  }
}

/** A tensor of a pinned layer. */
export class PinnedTensor {
  readonly name: string;
  readonly dtype: Dtype;
  /** outermost axis first */
  readonly shape: readonly number[];
  readonly bytes: number;

  /** These come from `layer.tensor(name)`. */
  constructor(
    info: TensorInfo,
    private readonly layer: PinnedLayer,
    private readonly number: number,
  ) {
    this.name = info.name;
    this.dtype = info.dtype;
    this.shape = info.shape;
    this.bytes = info.bytes;
  }

  /**
   * Its elements where they lie, without a copy: as elements of its type where JavaScript has such an array (halves as their 16 bits),
   * else as bytes. Empty once the layer is no longer pinned. What is written into it stays in the layer until it is loaded again.
   *
   * @throws HyperionError `CLOSED` after the release
   */
  get data(): TensorArray {
    return elementsOf(this.dtype, this.layer.bytes(this.number, this.bytes));
  }

  /**
   * Its values as float32 numbers, decoded off the JavaScript thread; the array is JavaScript's own and stays. The layer stays in memory
   * until it is done, released or not.
   *
   * @throws HyperionError `UNSUPPORTED` for types that the engine does not compute with, `CLOSED` after the release
   */
  async values(): Promise<Float32Array> {
    const out = new Float32Array(this.shape.reduce((product, size) => product * size, 1));
    await this.layer.values(this.number, out);
    return out;
  }

  toString(): string {
    return `${this.name}: ${this.dtype} [${this.shape.join(', ')}]`;
  }
}
