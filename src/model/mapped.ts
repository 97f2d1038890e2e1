/** The weights of an opened model as a user looks at them: layers and tensors, their cache, and where their bytes are. */
import { HyperionError } from '../errors';
import type { Handle } from '../memory/handle';
import { native } from '../native';
import type { CacheEntry } from './cache/entry';
import { Layer, type LayerDescription } from './cache/layer';
import type { ResolvedCacheOptions } from './cache/options';
import { type CacheStatistics, TensorCache } from './cache/tensor-cache';
import { type Residency, ResidencyProbe } from './residency';
import { Tensor } from './tensor';
import type { TensorInfo } from './tensor-info';

export interface MappedModel {
  readonly name: string;
  /** in the engine's order, as are the tensors */
  readonly files: readonly string[];
  readonly tensors: readonly TensorInfo[];
  /** in the order of execution */
  readonly layers: readonly LayerDescription[];
  /** the engine's model */
  readonly handle: Handle;
}

export class MappedWeights {
  readonly layers: readonly Layer[];
  readonly #model: MappedModel;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #cache: TensorCache;
  readonly #probe: ResidencyProbe;

  constructor(model: MappedModel, options: ResolvedCacheOptions) {
    const { handle, name, files, tensors } = model;
    const numbers = new Map(tensors.map((tensor, number) => [tensor.name, number]));
    const layerOf = ownersOf(model);
    this.#model = model;
    this.#numbers = numbers;
    this.#cache = new TensorCache(
      groupsOf(model, layerOf),
      (tensor, out) => native().readTensor(handle.get(), numbers.get(tensor.name)!, out),
      options,
      `cache of ${name}`,
    );
    this.layers = model.layers.map((layer) => new Layer(layer, this.#cache));
    this.#probe = new ResidencyProbe(name, files, tensors, (tensor) => layerOf.get(tensor) ?? 'in no layer');
  }

  get statistics(): CacheStatistics {
    return this.#cache.statistics;
  }

  /** @throws HyperionError `INVALID` when there is none of that name */
  tensor(name: string): Tensor {
    const number = this.#numbers.get(name);
    if (number !== undefined)
      return new Tensor(this.#model.tensors[number]!, this.#model.handle, number, this.#cache);
    throw new HyperionError(
      'INVALID',
      `${this.#model.name} has no tensor '${name}'; model.tensors lists them`,
    );
  }

  /** @param heldLayers names of layers that sessions hold */
  residency(heldLayers: ReadonlySet<string>): Promise<Residency> {
    const inSessions = this.#model.layers
      .filter(({ name }) => heldLayers.has(name))
      .flatMap(({ tensors }) => tensors);
    const inCache = this.#names((entry) => entry.state === 'cached');
    const viewed = new Set(this.#names((entry) => entry.views > 0));
    return this.#probe.look(this.#model.handle.get(), {
      cached: new Set([...inSessions, ...inCache]),
      viewed,
    });
  }

  close(): void {
    this.#cache.close();
  }

  #names(which: (entry: CacheEntry) => boolean): string[] {
    return this.#model.tensors.map(({ name }) => name).filter((name) => which(this.#cache.entry(name)));
  }
}

/** The layer of each tensor: of two that share it the last, as the engine holds it there. */
function ownersOf({ layers }: MappedModel): Map<string, string> {
  return new Map(layers.flatMap(({ name, tensors }) => tensors.map((tensor) => [tensor, name])));
}

/** Each tensor once, by layer; those of none stand alone. */
function groupsOf({ layers, tensors }: MappedModel, layerOf: ReadonlyMap<string, string>): TensorInfo[][] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const own = layers.map(({ name, tensors }) =>
    tensors.filter((tensor) => layerOf.get(tensor) === name).map((tensor) => byName.get(tensor)!),
  );
  return [...own, ...tensors.filter(({ name }) => !layerOf.has(name)).map((tensor) => [tensor])];
}
