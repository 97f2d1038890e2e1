/** The progressive loader: layers of a model in memory one by one, inside a budget, with the computation in the caller's hands. */
import { HyperionError } from '../errors';
import { parseBudget } from '../memory/budget';
import { EngineHolder } from '../memory/engine-holder';
import { Handle } from '../memory/handle';
import type { TensorInfo } from '../model/tensor-info';
import { SessionMemory } from '../monitoring/counters';
import { type NativeLayer, type NativeLoaderOptions, native } from '../native';
import { formatBytes } from '../units';
import { findLayer } from './find-layer';
import { LoadingView } from './loading-view';
import { type LayerParts, PinnedLayer } from './pinned-layer';
import { Requests } from './requests';

/** What a loader needs of its model. */
export interface LoadedModel {
  readonly name: string;
  readonly layers: readonly Pick<NativeLayer, 'name' | 'tensors'>[];
  /** by the engine's number */
  readonly tensors: readonly TensorInfo[];
  /** the engine's model */
  readonly handle: Handle;
}

/** What ends a wait with `CANCELLED`; in a notebook an interrupt of the cell does so too. */
export interface LoadOptions {
  readonly signal?: AbortSignal;
}

export interface PreloadOptions extends LoadOptions {
  /** called with the bytes loaded so far and the bytes in all */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Layers of a model in memory, loaded as they are needed and given up as room is needed, never beyond the budget. Layers are named by
 * index or name; what is asked is done in the order it was asked in, and JavaScript never waits for the disk.
 *
 * @example
 * ```ts
 * const model = await openModel('model');
 * const loader = model.loader({ budget: '1 MiB', prefetchWindow: 2 });
 * let largest = 0;
 * for await (const layer of loader) {
 *   for (const name of layer.tensors) // the layer is pinned while this runs, and those after it are read
 *     for (const value of await layer.tensor(name).values()) largest = Math.max(largest, Math.abs(value));
 * }
 * largest > 0; // true
 * loader.statistics.loads >= model.layers.length; // true
 * loader.close();
 * ```
 */
export class ProgressiveLoader extends LoadingView implements AsyncIterable<PinnedLayer> {
  /** resolves when the loader is closed and its memory given back */
  readonly closed: Promise<void>;
  readonly #handle: Handle;
  readonly #requests: Requests;
  readonly #layers: readonly LayerParts[];
  readonly #names: readonly string[];

  /** Loaders come from `model.loader()`. */
  constructor(
    readonly model: string,
    { layers, tensors, handle: opened }: LoadedModel,
    options: NativeLoaderOptions,
  ) {
    const id = native().createLoader(opened.get(), layers, options);
    const names = layers.map(({ name }) => name);
    const own: { handle?: Handle } = {};
    const engine = () => own.handle!.get();
    super({
      what: 'loader',
      policy: options.policy,
      layerNames: names,
      budget: () => native().loaderMemory(engine()).budget,
      loading: () => native().loaderLoading(engine()),
      statistics: () => native().loaderStatistics(engine()),
      setPriority: (layer, priority) => native().setLayerPriority(engine(), layer, priority),
    });
    this.#names = names;
    this.#layers = layers.map((layer, index) => partsOf(layer, index, tensors));
    // Nothing from here on may capture `this`: the finalizer would then keep alive what it waits for.
    const holder = new EngineHolder('loader', id, model, options.memory.strategy);
    let resolve!: (end: Promise<void>) => void;
    this.closed = new Promise<void>((settle) => {
      resolve = settle;
    });
    own.handle = new Handle(this, 'loader', id, () => resolve(holder.close()));
    this.#handle = own.handle;
    this.#requests = new Requests(own.handle);
  }

  /** Bytes that it may hold; Infinity when there is no limit. */
  get budget(): number {
    return this.memory.budget;
  }

  /** Its byte counters at this moment. */
  get memory(): SessionMemory {
    return new SessionMemory(native().loaderMemory(this.#handle.get()));
  }

  /** Names of the layers that it holds now; none once it is closed. */
  get heldLayers(): readonly string[] {
    if (this.#handle.closed) return [];
    return this.layers.filter(({ state }) => state === 'loaded').map(({ name }) => name);
  }

  /**
   * Brings a layer into memory, where it stays until its room is needed. Those that follow it are read ahead.
   *
   * @throws HyperionError `OVER_BUDGET` with `details.smallestBudgetBytes` when it does not fit beside what is pinned, `INVALID` for a layer
   *   that there is not, `IO`, `CORRUPT`, `CANCELLED`, `CLOSED`. The loader is usable afterwards.
   * @example
   * ```ts
   * const model = await openModel('model');
   * const loader = model.loader();
   * await loader.load(2);
   * loader.layers[2].state; // 'loaded'
   * await loader.unload(2);
   * loader.layers[2].state; // 'unloaded'
   * ```
   */
  async load(layer: number | string, { signal }: LoadOptions = {}): Promise<void> {
    await this.#load(findLayer(this.#names, layer), false, [], signal);
  }

  /** Brings a layer into memory and keeps it there until it is released. @throws HyperionError as `load` */
  async pin(layer: number | string, { signal }: LoadOptions = {}): Promise<PinnedLayer> {
    return this.#pin(findLayer(this.#names, layer), [], signal);
  }

  /**
   * Brings layers into memory all together, each while those after it are read.
   *
   * @throws HyperionError `OVER_BUDGET` when they do not fit together, before any is read; else as `load`
   * @example
   * ```ts
   * const model = await openModel('model');
   * const loader = model.loader();
   * await loader.preload([0, 3, 'norm']);
   * loader.heldLayers.includes('norm'); // true
   * ```
   */
  async preload(
    layers: readonly (number | string)[],
    { signal, onProgress }: PreloadOptions = {},
  ): Promise<void> {
    if (!Array.isArray(layers))
      throw new HyperionError(
        'INVALID',
        `layers is ${String(layers)}; it must be a list of indices or names`,
      );
    const wanted = [...new Set(layers.map((layer) => findLayer(this.#names, layer)))];
    const bytes = this.layers.map((layer) => layer.bytes);
    const total = wanted.reduce((sum, layer) => sum + bytes[layer]!, 0);
    this.#checkFit(wanted.length, total);
    const pinned: PinnedLayer[] = [];
    let done = 0;
    try {
      for (const [at, layer] of wanted.entries()) {
        pinned.push(await this.#pin(layer, wanted.slice(at + 1), signal));
        done += bytes[layer]!;
        onProgress?.(done, total);
      }
    } finally {
      for (const layer of pinned) layer.release();
    }
  }

  /** Gives a layer up at once. @throws HyperionError `INVALID` while it is pinned, or when there is none; `CLOSED` */
  async unload(layer: number | string): Promise<void> {
    const index = findLayer(this.#names, layer);
    const name = this.#names[index];
    await this.#requests.run(`unloading layer ${name}`, undefined, (loader, request) =>
      native().unloadLayer(loader, request, index),
    );
  }

  /** Gives up every layer that is not pinned. @throws HyperionError `CLOSED` */
  async clear(): Promise<void> {
    await this.#requests.run('clearing the loader', undefined, (loader, request) =>
      native().clearLoader(loader, request),
    );
  }

  /**
   * Gives the loader another budget; resolves when no more is held than it says.
   *
   * @throws HyperionError `OVER_BUDGET` with `details.smallestBudgetBytes` below what is pinned, and below the largest layer; the budget stays
   *   as it was then. `INVALID` for what is no size, `CLOSED`
   */
  async setBudget(budget: number | string): Promise<void> {
    const bytes = parseBudget(budget ?? Number.NaN);
    await this.#requests.run('changing the budget', undefined, (loader, request) =>
      native().setLoaderBudget(loader, request, bytes),
    );
  }

  /** The layers in the order of execution, each pinned until the next one is asked for. @throws HyperionError as `load`, while iterating */
  async *iterate(options: LoadOptions = {}): AsyncGenerator<PinnedLayer, void, undefined> {
    for (let index = 0; index < this.#names.length; index += 1) {
      const layer = await this.pin(index, options);
      try {
        yield layer;
      } finally {
        layer.release();
      }
    }
  }

  /** The same as `iterate()`. */
  [Symbol.asyncIterator](): AsyncGenerator<PinnedLayer, void, undefined> {
    return this.iterate();
  }

  /** Ends what runs with `CLOSED` and gives the memory back; `closed` resolves when that is done. Doing it again does nothing. */
  close(): void {
    this.#handle.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  override toString(): string {
    if (this.#handle.closed) return `Loader of ${this.model}: closed`;
    const { current, budget } = this.memory;
    return `Loader of ${this.model}: ${formatBytes(current)} of ${formatBytes(budget)}\n${super.toString()}`;
  }

  async #pin(layer: number, ahead: readonly number[], signal: AbortSignal | undefined): Promise<PinnedLayer> {
    const pin = await this.#load(layer, true, ahead, signal);
    return new PinnedLayer(this.#layers[layer]!, this.#handle, pin, this);
  }

  #load(
    layer: number,
    pins: boolean,
    ahead: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<number> {
    return this.#requests.run(`loading layer ${this.#names[layer]}`, signal, (loader, request) =>
      native().loadLayer(loader, request, layer, Int32Array.from(ahead), pins),
    );
  }

  #checkFit(count: number, bytes: number): void {
    const { budget } = this;
    if (bytes <= budget) return;
    throw new HyperionError(
      'OVER_BUDGET',
      `${count} layers take ${formatBytes(bytes)} together, the budget is ${formatBytes(budget)}; name fewer, or raise the budget`,
      { smallestBudgetBytes: bytes, budgetBytes: budget },
    );
  }
}

function partsOf(
  { name, tensors }: Pick<NativeLayer, 'name' | 'tensors'>,
  index: number,
  infos: readonly TensorInfo[],
): LayerParts {
  const known = tensors.map((number) => [infos[number]!.name, { number, info: infos[number]! }] as const);
  return { index, name, tensors: new Map(known) };
}
