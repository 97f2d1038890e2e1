/**
 * Building a model's graph: activation buffers, and layers of operations on them, in the order of execution. Tensors are
 * looked up by name here, and their types and shapes checked.
 */
import { HyperionError } from '../errors';
import type { TensorInfo } from '../model/checkpoint';
import type { CheckedRange } from '../model/checksums';
import { isComputeDtype } from '../model/dtypes';
import {
  COMPUTE_DTYPES,
  type LayerKind,
  type NativeLayer,
  type NativeModelSpec,
  type NativeOp,
  type NativeTensor,
} from '../native';

/** The tensors of a model by name. Each has a number, its place in the list, by which the engine knows it. */
export class TensorTable {
  readonly #numbers: ReadonlyMap<string, number>;

  /** `fileName` gives the file's name for the one that Hugging Face's models have; without it they are the same. */
  constructor(
    private readonly tensors: readonly TensorInfo[],
    private readonly fileName = (canonical: string) => canonical,
  ) {
    this.#numbers = new Map(tensors.map(({ name }, number) => [name, number]));
  }

  /** A tensor by its name in the file. */
  get(name: string): TensorInfo | undefined {
    const number = this.number(name);
    return number === undefined ? undefined : this.tensors[number];
  }

  /** Whether the file has the tensor of this name in Hugging Face's models. */
  has(canonical: string): boolean {
    return this.number(this.fileName(canonical)) !== undefined;
  }

  /** The engine's number of a tensor by its name in the file; undefined when there is none. */
  number(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /**
   * The number of a tensor that must exist with this shape and a type that the engine computes with.
   *
   * @param canonical its name in Hugging Face's models
   * @throws HyperionError `BAD_FORMAT` when it is missing or has another shape, `UNSUPPORTED` for its type
   */
  require(canonical: string, shape: readonly number[]): number {
    const name = this.fileName(canonical);
    const number = this.number(name);
    const info = this.get(name);
    if (number === undefined || !info)
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
    if (!isComputeDtype(info.dtype))
      throw fail('UNSUPPORTED', `dtype ${info.dtype}; the engine computes with ${COMPUTE_DTYPES.join(', ')}`);
    return number;
  }

  /** What the engine needs to open the model; `checked` are layers as they lie in its files. */
  spec(checked: readonly CheckedRange[] = []): NativeModelSpec {
    const files = [...new Set(this.tensors.map(({ file }) => file))];
    const numbers = new Map(files.map((file, number) => [file, number]));
    const tensors = this.tensors.map(({ name, file, offset, bytes, dtype, shape }): NativeTensor => {
      const known = isComputeDtype(dtype) ? dtype : 'DATA';
      return { name, file: numbers.get(file)!, offset, bytes, dtype: known, shape };
    });
    const checksums = checked
      .filter(({ file }) => numbers.has(file))
      .map((range) => ({ ...range, file: numbers.get(range.file)! }));
    return { files, tensors, checksums };
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
