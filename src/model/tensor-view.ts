/** A tensor's bytes in the cache of its model, seen without a copy for as long as a view of it is open. */
import { HyperionError } from '../errors';
import type { CacheEntry } from './cache/entry';
import type { TensorCache } from './cache/tensor-cache';
import type { Dtype } from './dtypes';
import { elementsOf, type TensorArray } from './elements';

/**
 * The memory of a cached tensor. While it is open the tensor is not given up; when the last view of a tensor is closed, or its model,
 * arrays that were taken from views become empty. What is written into them changes what is cached, never the file.
 *
 * @example
 * ```ts
 * const model = await openModel('model');
 * const view = await model.tensor('model.norm.weight').view();
 * const data = view.data;
 * data.length; // 64
 * view.close();
 * data.length; // 0
 * ```
 */
export class TensorView {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #closed = false;

  /** Views come from `tensor.view()`. */
  constructor(
    tensor: { readonly name: string; readonly dtype: Dtype; readonly shape: readonly number[] },
    private readonly cache: TensorCache,
    private readonly entry: CacheEntry,
  ) {
    this.name = tensor.name;
    this.dtype = tensor.dtype;
    this.shape = tensor.shape;
    this.#bytes = cache.openView(entry);
  }

  /** As elements of the tensor's type where JavaScript has such an array, else as bytes. @throws HyperionError `CLOSED` */
  get data(): TensorArray {
    if (this.#closed)
      throw new HyperionError('CLOSED', `the view of '${this.name}' is closed; open another with view()`);
    return elementsOf(this.dtype, this.#bytes);
  }

  /** Lets the bytes go. Doing it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.cache.closeView(this.entry);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  toString(): string {
    return `view of ${this.name}: ${this.dtype} [${this.shape.join(', ')}]${this.#closed ? ', closed' : ''}`;
  }
}
