/** An opened model: what its files hold, and the graph that computes it. Sessions run it. */
import { checkInteger } from '../checks';
import {
  cardBundle,
  cardText,
  type Figure,
  jupyterDisplay,
  layerBytesFigure,
  type MimeBundle,
  type Table,
  treemapFigure,
} from '../display';
import { HyperionError } from '../errors';
import { ProgressiveLoader } from '../loading/loader';
import { type LoaderOptions, resolveLoaderOptions } from '../loading/options';
import { Handle } from '../memory/handle';
import type { Layer, LayerDescription } from '../model/cache/layer';
import { type CacheOptions, type ResolvedCacheOptions, resolveCacheOptions } from '../model/cache/options';
import type { CacheStatistics } from '../model/cache/tensor-cache';
import { type Checkpoint, openCheckpoint, type TensorInfo } from '../model/checkpoint';
import { ConfigReader } from '../model/config';
import type { JsonObject } from '../model/files';
import { isHubReference } from '../model/hub/reference';
import { pullShown } from '../model/hub/shown';
import { MappedWeights } from '../model/mapped';
import type { Residency } from '../model/residency';
import type { Tensor } from '../model/tensor';
import type { Tokenizer } from '../model/tokenizer';
import { type NativeGraph, type NativeLayer, type NativeSessionOptions, native } from '../native';
import { TensorTable } from '../scheduling/graph';
import { kvBytesPerToken } from '../scheduling/kv-bytes';
import { Plan } from '../scheduling/plan';
import { architectureOf } from './architectures';
import { Engine } from './engine';
import { cardFacts, layerTable, modelCard, modelParts } from './model-card';
import { mustShrink, resolveSessionOptions, type SessionOptions, sharedBudget } from './options';
import { Session } from './session';

export interface OpenOptions extends CacheOptions {
  /** Whether the model's tokenizer is looked for; without it prompts are token ids. Default true. */
  readonly tokenizer?: boolean;
  /** Ends a download with `CANCELLED`. In a notebook an interrupt of the cell does so too. */
  readonly signal?: AbortSignal;
}

/**
 * Opens a model: reads configuration and tensor headers, and checks them against each other. Weights stay on disk until a
 * session computes with them, the tokenizer until it is used.
 *
 * @param path a Hugging Face model folder, a .safetensors file with config.json beside it, or a .gguf or .tmai file; `hf:org/name`,
 *   `hf:org/name@revision` or `hf:org/name/file.gguf` is pulled from the hub first, as `pull` does
 * @throws HyperionError `IO`, `BAD_FORMAT` or `UNSUPPORTED`, naming the file, and the tensor or field; for the hub what `pull` throws
 * @example
 * ```ts
 * const model = await openModel('model');
 * model.architecture; // 'llama'
 * model.layers.length; // embedding, two for each block, norm, output
 * model.close();
 * ```
 */
export async function openModel(path: string, options: OpenOptions = {}): Promise<Model> {
  if (typeof path !== 'string' || path === '')
    throw new HyperionError(
      'INVALID',
      `path is ${JSON.stringify(path)}; name a model folder or a .safetensors file`,
    );
  const cache = resolveCacheOptions(options);
  const local = isHubReference(path) ? (await pullShown(path, { signal: options.signal })).path : path;
  const checkpoint = await openCheckpoint(local, { tokenizer: options.tokenizer ?? true });
  const config = new ConfigReader(checkpoint.configPath, checkpoint.config);
  const architecture = architectureOf(config);
  const tensors = new TensorTable(checkpoint.tensors, checkpoint.fileName);
  return new Model(checkpoint, architecture.name, tensors, architecture.build(config, tensors), cache);
}

/** A model whose files are open. Made by `openModel`; shared by any number of sessions. */
export class Model {
  /** absolute path of the folder or file */
  readonly path: string;
  /** the name of the folder, or of the file that holds everything */
  readonly name: string;
  readonly format: string;
  /** absolute paths of the files that hold its weights */
  readonly files: readonly string[];
  /** `llama`, `mistral`, … */
  readonly architecture: string;
  /** config.json as it is */
  readonly config: JsonObject;
  /** elements of all tensors */
  readonly parameters: number;
  /** bytes of all tensors in the files */
  readonly bytes: number;
  /** the most tokens that a sequence can have */
  readonly contextLength: number;
  readonly vocabularySize: number;
  /** numbers of a token's hidden state */
  readonly width: number;
  /** what sessions compute: logits, or an encoder's hidden states */
  readonly result: 'logits' | 'hidden';
  /** bytes of keys and values that each token adds to a session */
  readonly kvBytesPerToken: number;
  /** the same with `kv: 'int8'` */
  readonly kvInt8BytesPerToken: number;
  /** in the order of execution */
  readonly layers: readonly Layer[];
  readonly layerNames: readonly string[];
  readonly tensors: readonly TensorInfo[];
  /** null when the model has none; read when it is first used, and held beside the budgets of sessions */
  readonly tokenizer: Tokenizer | null;
  /** tokens with which the model ends a text */
  readonly endIds: readonly number[];
  readonly #weights: MappedWeights;
  readonly #graph: NativeGraph;
  readonly #handle: Handle;
  readonly #holders = new Set<WeakRef<Session<Model> | ProgressiveLoader>>();

  /** Models come from `openModel()`. */
  constructor(
    checkpoint: Checkpoint,
    architecture: string,
    table: TensorTable,
    graph: NativeGraph,
    cache: ResolvedCacheOptions,
  ) {
    const { path, tensors } = checkpoint;
    this.path = path;
    this.name = checkpoint.name;
    this.format = checkpoint.format;
    this.architecture = architecture;
    this.config = checkpoint.config;
    this.parameters = sum(tensors.map(({ shape }) => shape.reduce((product, size) => product * size, 1)));
    this.bytes = sum(tensors.map(({ bytes }) => bytes));
    this.contextLength = graph.contextLength;
    this.vocabularySize = graph.vocab;
    this.width = graph.width;
    this.result = graph.result.kind;
    const kvBytes = kvBytesPerToken(graph);
    this.kvBytesPerToken = kvBytes.f32;
    this.kvInt8BytesPerToken = kvBytes.int8;
    this.layerNames = graph.layers.map(({ name }) => name);
    this.tensors = tensors;
    this.tokenizer = checkpoint.tokenizer;
    this.endIds = checkpoint.endIds;
    this.#graph = graph;
    const spec = table.spec(checkpoint.checksums?.layers);
    this.files = spec.files;
    this.#handle = new Handle(this, 'model', native().openModel(spec), (id) => native().closeModel(id));
    const layers = graph.layers.map((layer) => describe(layer, tensors));
    const { name, files } = this;
    this.#weights = new MappedWeights({ name, files, tensors, layers, handle: this.#handle }, cache);
    this.layers = this.#weights.layers;
  }

  /**
   * One tensor by its name in the file.
   *
   * @throws HyperionError `INVALID` when the model has none of that name
   * @example
   * ```ts
   * const model = await openModel('model');
   * model.tensor('model.embed_tokens.weight').shape; // [vocabulary, width]
   * ```
   */
  tensor(name: string): Tensor {
    return this.#weights.tensor(name);
  }

  /**
   * A session that runs this model. It allocates little until it computes.
   *
   * @throws HyperionError `OVER_BUDGET` with `details.smallestBudgetBytes` when one token does not fit, `INVALID`, `CLOSED`
   * @example
   * ```ts
   * const model = await openModel('model');
   * const session = model.session({ budget: '64 MiB', threads: 2 });
   * session.budget; // 67108864
   * ```
   */
  session(options: SessionOptions = {}): Session<Model> {
    const { resolved, shared, free } = this.#resolve(options);
    const id = native().createSession(this.#handle.get(), this.#graph, resolved);
    const engine = new Engine(id, resolved, this.name, () => this.#usefulBudget(resolved), free);
    // Its first pass waits for its share, and is told what is wrong.
    engine.follow(shared).catch(() => {});
    const home = { add: (session: Session<Model>) => this.#note(session) };
    return new Session<Model>(this, engine, home);
  }

  /**
   * Its layers in memory one by one, without a session: for a computation of your own. Layers are loaded whole; one that shares a tensor
   * with another brings it along.
   *
   * @throws HyperionError `OVER_BUDGET` with `details.smallestBudgetBytes`, the bytes of the largest layer; `INVALID`, `UNSUPPORTED` for a
   *   way of reading that the file system refuses, `CLOSED`
   * @example
   * ```ts
   * const model = await openModel('model');
   * const loader = model.loader({ budget: '1 MiB' });
   * for await (const layer of loader) {
   *   layer.name; // 'embedding', …
   * }
   * ```
   */
  loader(options: LoaderOptions = {}): ProgressiveLoader {
    const { name, tensors } = this;
    const parts = { name, layers: this.#graph.layers, tensors, handle: this.#handle };
    const loader = new ProgressiveLoader(name, parts, resolveLoaderOptions(options));
    this.#note(loader);
    return loader;
  }

  /**
   * What a session with these options needs for `positions` tokens; allocates nothing.
   *
   * @throws HyperionError `INVALID`, `CLOSED`
   * @example
   * ```ts
   * const model = await openModel('model');
   * const { smallestBudgetBytes } = model.plan({ positions: 8 });
   * const session = model.session({ budget: smallestBudgetBytes }); // the least that runs 8 tokens
   * ```
   */
  plan({ positions = 1, ...options }: SessionOptions & { readonly positions?: number } = {}): Plan {
    checkInteger('positions', positions, 1, this.contextLength);
    const { resolved } = this.#resolve(options);
    return new Plan(native().plan(this.#handle.get(), this.#graph, resolved, positions), positions);
  }

  /**
   * How fast the disk gives the model's files: reads them once, past the page cache, each read of 4 MiB over the one before, and keeps
   * nothing.
   *
   * @param readers reads at a time, 1 to 64
   * @returns bytes per second
   * @throws HyperionError `UNSUPPORTED` where the file system refuses direct reads, `INVALID`, `IO`, `CLOSED`
   * @example
   * ```ts
   * const model = await openModel('model');
   * const disk = await model.measureDisk();
   * const session = model.session({ budget: '64 MiB' });
   * const recording = session.record();
   * await session.forward([1, 2, 3]);
   * const figure = recording.bandwidth({ disk, source: 'measured' });
   * ```
   */
  async measureDisk(readers = 3): Promise<number> {
    checkInteger('readers', readers, 1, 64);
    const speed = new Float32Array(1);
    await native().readFiles(this.#handle.get(), readers, speed);
    return speed[0]!;
  }

  /** Asks the operating system to forget cached pages of the model's files. Advice only. @throws HyperionError `CLOSED` */
  dropCache(): void {
    native().dropCache(this.#handle.get());
  }

  /** What its cache did since it was opened. The cache is beside the budgets of sessions, and bounded by `maxCacheSize`. */
  get cacheStatistics(): CacheStatistics {
    return this.#weights.statistics;
  }

  /**
   * Which pages of its files are in memory, and what the cache and the sessions hold. Each call looks once more; the picture has a
   * column for each look.
   *
   * @throws HyperionError `IO`, `CLOSED`
   * @example
   * ```ts
   * const model = await openModel('model');
   * const before = await model.residency();
   * await model.tensor('model.norm.weight').read();
   * const after = await model.residency();
   * after.pages('model.norm.weight')[0]; // 1
   * after.looks; // 2
   * ```
   */
  async residency(): Promise<Residency> {
    const holders = [...this.#holders].flatMap((known) => known.deref() ?? []);
    return this.#weights.residency(new Set(holders.flatMap(({ heldLayers }) => heldLayers)));
  }

  /** Bytes per layer as a chart. A table that embedding and output share stands where the engine holds it: in the output. */
  plot(): Figure {
    const held = this.layers.filter((layer) => layer.kind !== 'embedding' || !this.#isShared(layer));
    return layerBytesFigure(held);
  }

  /** Bytes by layer and element type as areas. */
  treemap(): Promise<Figure> {
    return treemapFigure(modelParts(this), `Bytes of ${this.name} by layer and type`);
  }

  /** Closes the model, its sessions and its loaders. Doing it again does nothing. */
  close(): void {
    for (const holder of this.#holders) holder.deref()?.close();
    this.#holders.clear();
    this.#weights.close();
    this.#handle.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Layers with their bytes, element types, and what of them is cached. */
  table(): Table {
    return layerTable(this.layers);
  }

  toString(): string {
    return cardText(cardFacts(this.#shown()));
  }

  async [jupyterDisplay](): Promise<MimeBundle> {
    return cardBundle(await modelCard(this.#shown()));
  }

  /** Of a shared budget the session begins with its share, which is free or will be. */
  #resolve(options: SessionOptions) {
    const resolved = resolveSessionOptions(options);
    const shared = sharedBudget(options.budget);
    if (!shared) return { resolved, shared, free: true };
    mustShrink(resolved);
    const { smallestBudgetBytes } = native().plan(this.#handle.get(), this.#graph, resolved, 1);
    const claim = { smallest: smallestBudgetBytes, useful: this.#usefulBudget(resolved) };
    const { bytes, free } = shared.opening(claim);
    return { resolved: { ...resolved, budget: bytes }, shared, free };
  }

  /** Bytes with which nothing is read twice, in the largest steps, up to the end of the context. */
  #usefulBudget(options: NativeSessionOptions): number {
    const unlimited = { ...options, budget: Number.POSITIVE_INFINITY };
    const plan = native().plan(this.#handle.get(), this.#graph, unlimited, this.contextLength);
    return plan.workingSetBytes + plan.activationBytes;
  }

  #note(holder: Session<Model> | ProgressiveLoader): void {
    for (const known of this.#holders) if (!known.deref()) this.#holders.delete(known);
    this.#holders.add(new WeakRef(holder));
  }

  #isShared(layer: Layer): boolean {
    return this.layers.some(
      (other) => other !== layer && layer.tensors.every((name) => other.tensors.includes(name)),
    );
  }

  #shown() {
    const { architecture, bytes, contextLength, format, kvBytesPerToken, layers, name, parameters, tensors } =
      this;
    const { kvInt8BytesPerToken, vocabularySize } = this;
    const { smallestBudgetBytes } = this.plan();
    return {
      ...{ architecture, bytes, contextLength, format, kvBytesPerToken, layers, name, parameters, tensors },
      ...{ kvInt8BytesPerToken, smallestBudgetBytes, vocabularySize },
    };
  }
}

function describe({ name, kind, tensors }: NativeLayer, byNumber: readonly TensorInfo[]): LayerDescription {
  const used = tensors.map((number) => byNumber[number]!);
  const byDtype = new Map<string, number>();
  for (const { dtype, bytes } of used) byDtype.set(dtype, (byDtype.get(dtype) ?? 0) + bytes);
  const dtypes = [...byDtype].sort((a, b) => b[1] - a[1]).map(([dtype]) => dtype);
  return {
    name,
    kind,
    bytes: sum(used.map(({ bytes }) => bytes)),
    dtype: dtypes.join('+'),
    offset: used[0]?.offset ?? 0,
    tensors: used.map((tensor) => tensor.name),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
