/** An opened model: what its files hold, and the graph that computes it. Sessions run it. */
import { checkInteger } from '../checks';
import { type Figure, jupyterDisplay, layerBytesFigure, type MimeBundle, Table } from '../display';
import { HyperionError } from '../errors';
import { Handle } from '../memory/handle';
import { type Checkpoint, openCheckpoint, type TensorInfo } from '../model/checkpoint';
import { ConfigReader } from '../model/config';
import type { JsonObject } from '../model/files';
import type { Tokenizer } from '../model/tokenizer';
import {
  type LayerKind,
  type NativeGraph,
  type NativeLayer,
  type NativeSessionOptions,
  native,
} from '../native';
import { TensorTable } from '../scheduling/graph';
import { Plan } from '../scheduling/plan';
import { formatBytes, formatCount } from '../units';
import { architectureOf } from './architectures';
import { resolveSessionOptions, type SessionOptions } from './options';
import { Session } from './session';
import { Tensor } from './tensor';

export interface OpenOptions {
  /** Whether tokenizer.json is read; without it prompts are token ids. Default true. */
  readonly tokenizer?: boolean;
}

/** A unit of loading: the weights that are needed together, by name, in the order of execution. */
export interface LayerInfo {
  readonly name: string;
  readonly kind: LayerKind;
  /** of its tensors; a tensor that two layers share counts in both */
  readonly bytes: number;
  /** element types of its tensors, most bytes first */
  readonly dtype: string;
  readonly tensors: readonly string[];
}

/**
 * Opens a model: reads configuration, tokenizer and tensor headers, and checks them against each other. Weights stay on
 * disk until a session computes with them.
 *
 * @param path a Hugging Face model folder, a .safetensors file with config.json beside it, or a .gguf or .tmai file
 * @throws HyperionError `IO`, `BAD_FORMAT` or `UNSUPPORTED`, naming the file, and the tensor or field
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
  const checkpoint = await openCheckpoint(path, { tokenizer: options.tokenizer ?? true });
  const config = new ConfigReader(checkpoint.configPath, checkpoint.config);
  const architecture = architectureOf(config);
  const tensors = new TensorTable(checkpoint.tensors, checkpoint.fileName);
  return new Model(checkpoint, architecture.name, tensors, architecture.build(config, tensors));
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
  /** in the order of execution */
  readonly layers: readonly LayerInfo[];
  readonly layerNames: readonly string[];
  readonly tensors: readonly TensorInfo[];
  /** null when the model has none */
  readonly tokenizer: Tokenizer | null;
  /** tokens with which the model ends a text */
  readonly endIds: readonly number[];
  readonly #table: TensorTable;
  readonly #graph: NativeGraph;
  readonly #handle: Handle;
  readonly #sessions = new Set<WeakRef<Session<Model>>>();

  constructor(checkpoint: Checkpoint, architecture: string, table: TensorTable, graph: NativeGraph) {
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
    this.layers = graph.layers.map((layer) => describe(layer, tensors));
    this.layerNames = graph.layers.map(({ name }) => name);
    this.tensors = tensors;
    this.tokenizer = checkpoint.tokenizer;
    this.endIds = checkpoint.endIds;
    this.#table = table;
    this.#graph = graph;
    const spec = table.spec();
    this.files = spec.files;
    this.#handle = new Handle(this, 'model', native().openModel(spec), (id) => native().closeModel(id));
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
    const info = this.#table.get(name);
    if (info) return new Tensor(info, this.#handle, this.#table.number(name));
    throw new HyperionError('INVALID', `${this.name} has no tensor '${name}'; model.tensors lists them`);
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
    return this.sessionWith(resolveSessionOptions(options));
  }

  /**
   * A session with the engine's own options, for `hyperion bench`. `io: 'mmap'` is among them and no public option: mapped
   * weights are outside the budget's promise, and a mapped file that is cut short ends the process.
   *
   * @internal
   */
  sessionWith(options: NativeSessionOptions): Session<Model> {
    const id = native().createSession(this.#handle.get(), this.#graph, options);
    const session = new Session<Model>(this, id, options);
    for (const known of this.#sessions) if (!known.deref()) this.#sessions.delete(known);
    this.#sessions.add(new WeakRef(session));
    return session;
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
    const resolved = resolveSessionOptions(options);
    return new Plan(native().plan(this.#handle.get(), this.#graph, resolved, positions), positions);
  }

  /**
   * Reads the model's files once, past the page cache, and keeps nothing: how long the disk takes, for `hyperion bench`.
   *
   * @internal
   */
  readFiles(readers: number): Promise<void> {
    return native().readFiles(this.#handle.get(), readers);
  }

  /**
   * Asks the operating system to forget cached pages of the model's files, for `hyperion bench`.
   *
   * @internal
   */
  dropCache(): void {
    native().dropCache(this.#handle.get());
  }

  /** Bytes per layer as a chart. A table that embedding and output share stands where the engine holds it: in the output. */
  plot(): Figure {
    const held = this.layers.filter((layer) => layer.kind !== 'embedding' || !this.#isShared(layer));
    return layerBytesFigure(held);
  }

  /** Closes the model and its sessions. Doing it again does nothing. */
  close(): void {
    for (const session of this.#sessions) session.deref()?.close();
    this.#sessions.clear();
    this.#handle.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Layers with their bytes, element types and number of tensors. */
  table(): Table {
    const columns = [
      { label: 'layer' },
      { label: 'bytes', unit: 'bytes' },
      { label: 'dtype' },
      { label: 'tensors', unit: 'count' },
    ] as const;
    const rows = this.layers.map(({ name, bytes, dtype, tensors }) => [name, bytes, dtype, tensors.length]);
    return new Table(columns, rows, { caption: this.#summary() });
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }

  #isShared(layer: LayerInfo): boolean {
    return this.layers.some(
      (other) => other !== layer && layer.tensors.every((name) => other.tensors.includes(name)),
    );
  }

  #summary(): string {
    const { name, architecture, format, parameters, bytes, contextLength } = this;
    return (
      `${name}: ${architecture} (${format}), ${formatCount(parameters)} parameters, ` +
      `${formatBytes(bytes)}, context of ${formatCount(contextLength)} tokens`
    );
  }
}

function describe({ name, kind, tensors }: NativeLayer, byNumber: readonly TensorInfo[]): LayerInfo {
  const used = tensors.map((number) => byNumber[number]!);
  const byDtype = new Map<string, number>();
  for (const { dtype, bytes } of used) byDtype.set(dtype, (byDtype.get(dtype) ?? 0) + bytes);
  const dtypes = [...byDtype].sort((a, b) => b[1] - a[1]).map(([dtype]) => dtype);
  return {
    name,
    kind,
    bytes: sum(used.map(({ bytes }) => bytes)),
    dtype: dtypes.join('+'),
    tensors: used.map((tensor) => tensor.name),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
