/**
 * Operations by the names of buffers and tensors. A builder checks each tensor's shape against the buffers between which it
 * stands; which operations come in which order is for the architectures to say.
 */
import type { Activation, NativeGraph, NativeLayer, NativeOp, RotaryTable } from '../../native';
import { bufferTable, type TensorTable } from '../../scheduling/graph';

type OpOf<Kind extends NativeOp['op']> = Extract<NativeOp, { op: Kind }>;

export interface LinearOptions {
  /** whether `<name>.bias` is added */
  readonly bias?: boolean;
  /** whether the weight is [in, out], as in GPT-2's Conv1D */
  readonly transposed?: boolean;
  /** for a weight that makes several buffers: where this one begins, and how many results there are in all */
  readonly part?: { readonly first: number; readonly of: number };
}

/** What sets one attention apart from another, beside its buffers. */
export type AttentionOptions<Name> = {
  readonly q: Name;
  readonly k: Name;
  readonly v: Name;
  readonly out: Name;
} & Omit<OpOf<'attention'>, 'op' | 'q' | 'k' | 'v' | 'out'>;

/**
 * @example
 * ```ts
 * const info = { name: 'lm_head.weight', dtype: 'F32', shape: [512, 64], bytes: 131072, offset: 0, file: 'x' };
 * const builder = new GraphBuilder(new graphs.TensorTable([info]), { residual: 64, logits: 512 });
 * builder.linear('lm_head', 'residual', 'logits').op; // 'matmul'
 * ```
 */
export class GraphBuilder<Name extends string> {
  readonly buffers: NativeGraph['buffers'];
  readonly #index: Readonly<Record<Name, number>>;

  /** @param widths numbers that each buffer has for a token */
  constructor(
    private readonly tensors: TensorTable,
    private readonly widths: Readonly<Record<Name, number>>,
  ) {
    const { buffers, index } = bufferTable(widths);
    this.buffers = buffers;
    this.#index = index;
  }

  /** out = the row of `<name>.weight` that the token's id names */
  embed(name: string, out: Name, rows: number): NativeOp {
    return { op: 'embed', out: this.#index[out], table: this.#table(name, out, rows) };
  }

  /** out += a row of `<name>.weight`: the one given, or that of the token's position */
  addRow(name: string, out: Name, rows: number, row?: number): NativeOp {
    const op = { op: 'add_row', out: this.#index[out], table: this.#table(name, out, rows) } as const;
    return row === undefined ? op : { ...op, row };
  }

  /** out = `<name>.weight` times in, and `<name>.bias` */
  linear(name: string, from: Name, to: Name, options: LinearOptions = {}): NativeOp {
    const { bias = false, transposed = false, part = { first: 0, of: this.widths[to] } } = options;
    const [inWidth, outWidth] = [this.widths[from], part.of];
    const shape = transposed ? [inWidth, outWidth] : [outWidth, inWidth];
    return {
      op: 'matmul',
      in: this.#index[from],
      out: this.#index[to],
      weight: this.tensors.require(`${name}.weight`, shape),
      first: part.first,
      transposed,
      ...(bias ? { bias: this.tensors.require(`${name}.bias`, [outWidth]) } : {}),
    };
  }

  /** `offset` is added to `<name>.weight`; `heads` equal parts are normalized on their own. */
  rmsNorm(
    name: string,
    from: Name,
    to: Name,
    eps: number,
    { offset = 0, heads = 1 }: { readonly offset?: number; readonly heads?: number } = {},
  ): NativeOp {
    const weight = this.tensors.require(`${name}.weight`, [this.widths[from] / heads]);
    return { op: 'rms_norm', in: this.#index[from], out: this.#index[to], weight, eps, offset, heads };
  }

  /** with `<name>.weight` and `<name>.bias` */
  layerNorm(name: string, from: Name, to: Name, eps: number): NativeOp {
    const shape = [this.widths[from]];
    const [weight, bias] = [
      this.tensors.require(`${name}.weight`, shape),
      this.tensors.require(`${name}.bias`, shape),
    ];
    return { op: 'layer_norm', in: this.#index[from], out: this.#index[to], weight, bias, eps };
  }

  rope(buffer: Name, options: Omit<OpOf<'rope'>, 'op' | 'buffer'>): NativeOp {
    return { op: 'rope', buffer: this.#index[buffer], ...options };
  }

  attention({ q, k, v, out, ...rest }: AttentionOptions<Name>): NativeOp {
    const index = this.#index;
    return { op: 'attention', q: index[q], k: index[k], v: index[v], out: index[out], ...rest };
  }

  /** buffer = function(buffer) */
  activate(op: Activation, buffer: Name): NativeOp {
    return { op, buffer: this.#index[buffer] };
  }

  /** buffer = cap tanh(buffer / cap) */
  softcap(buffer: Name, cap: number): NativeOp {
    return { op: 'softcap', buffer: this.#index[buffer], cap };
  }

  scale(buffer: Name, factor: number): NativeOp {
    return { op: 'scale', buffer: this.#index[buffer], factor };
  }

  /** out *= from */
  multiply(from: Name, out: Name): NativeOp {
    return { op: 'multiply', in: this.#index[from], out: this.#index[out] };
  }

  /** out += from */
  add(from: Name, out: Name): NativeOp {
    return { op: 'add', in: this.#index[from], out: this.#index[out] };
  }

  /** The finished graph. */
  graph(parts: {
    readonly width: number;
    readonly vocab: number;
    readonly contextLength: number;
    readonly kv: NativeGraph['kv'];
    readonly rotary?: readonly RotaryTable[];
    readonly result: { readonly buffer: Name; readonly kind: NativeGraph['result']['kind'] };
    readonly layers: readonly NativeLayer[];
  }): NativeGraph {
    const { result, rotary = [], ...rest } = parts;
    return {
      ...rest,
      rotary,
      result: { ...result, buffer: this.#index[result.buffer] },
      buffers: this.buffers,
    };
  }

  #table(name: string, out: Name, rows: number): number {
    return this.tensors.require(`${name}.weight`, [rows, this.widths[out]]);
  }
}
