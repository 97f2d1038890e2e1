/**
 * Building a model's graph: activation buffers, and layers of operations on them, in the order of execution. Tensors are
 * looked up by name here, and their types and shapes checked.
 */
import { HyperionError } from '../errors';
import type { TensorInfo } from '../model/checkpoint';
import { isComputeDtype } from '../model/dtypes';
import type { ComputeDtype, LayerKind, NativeLayer, NativeModelSpec, NativeOp } from '../native';

/** The tensors of a model by name. Those of a type that the engine computes with have a number, by which it knows them. */
export class TensorTable {
  readonly #byName: ReadonlyMap<string, TensorInfo>;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #computable: readonly TensorInfo[];

  constructor(tensors: readonly TensorInfo[]) {
    this.#byName = new Map(tensors.map((info) => [info.name, info]));
    this.#computable = tensors.filter(({ dtype }) => isComputeDtype(dtype));
    this.#numbers = new Map(this.#computable.map(({ name }, number) => [name, number]));
  }

  get(name: string): TensorInfo | undefined {
    return this.#byName.get(name);
  }

  /** Whether there is a tensor of this name in Hugging Face's models. */
  has(canonical: string): boolean {
    return this.get(canonical) !== undefined;
  }

  /** The engine's number of a tensor; undefined when it cannot hold the type, or there is no such tensor. */
  number(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /**
   * The number of a tensor that must exist with this shape and a type that the engine computes with.
   *
   * @throws HyperionError `BAD_FORMAT` when it is missing or has another shape, `UNSUPPORTED` for its type
   */
  require(name: string, shape: readonly number[]): number {
    const info = this.get(name);
    if (!info)
      throw new HyperionError('BAD_FORMAT', `the model has no tensor '${name}' of shape [${shape}]`, {
        tensor: name,
      });
    const fail = (code: 'BAD_FORMAT' | 'UNSUPPORTED', problem: string) =>
      new HyperionError(code, `${info.file}: tensor '${name}' has the ${problem}`, {
        tensor: name,
        file: info.file,
      });
    if (info.shape.length !== shape.length || info.shape.some((size, axis) => size !== shape[axis]))
      throw fail('BAD_FORMAT', `shape [${info.shape}]; the configuration asks for [${shape}]`);
    const number = this.number(name);
    if (number === undefined)
      throw fail('UNSUPPORTED', `dtype ${info.dtype}; the engine computes with F32, F16 and BF16`);
    return number;
  }

  /** What the engine needs to open the model. */
  spec(): NativeModelSpec {
    const files = [...new Set(this.#computable.map(({ file }) => file))];
    const tensors = this.#computable.map(({ name, file, offset, bytes, dtype, shape }) => {
      return { name, file: files.indexOf(file), offset, bytes, dtype: dtype as ComputeDtype, shape };
    });
    return { files, tensors };
  }
}

/** A layer from its operations; which tensors it needs follows from them. */
export function layer(name: string, kind: LayerKind, ops: readonly NativeOp[]): NativeLayer {
  const head = kind === 'norm' || kind === 'output';
  return { name, kind, head, ops, tensors: [...new Set(ops.flatMap(tensorsOf))] };
}

function tensorsOf(op: NativeOp): number[] {
  if (op.op === 'embed' || op.op === 'add_row') return [op.table];
  if (op.op === 'rms_norm') return [op.weight];
  if (op.op === 'matmul' || op.op === 'layer_norm')
    return op.bias === undefined ? [op.weight] : [op.weight, op.bias];
  return [];
}

/** Activation buffers from their names and widths in float32 numbers per token; `index` finds them by name. */
export function bufferTable<Name extends string>(widths: Readonly<Record<Name, number>>) {
  const names = Object.keys(widths) as Name[];
  const index = Object.fromEntries(names.map((name, i) => [name, i])) as Record<Name, number>;
  return { buffers: names.map((name) => ({ name, width: widths[name] })), index };
}
