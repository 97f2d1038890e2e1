/** A network as the engine takes it: layers of operations on numbered buffers and tensors. Types only. */

/** Operations on activation buffers [tokens, width]; weight matrices are [out, in], row by row. */
export type NativeOp =
  | { op: 'embed'; out: number; table: number }
  /** out += a row of the table; without `row`, the one of the token's position */
  | { op: 'add_row'; out: number; table: number; row?: number }
  /** of each of `heads` equal parts; `offset` is added to the weight */
  | {
      op: 'rms_norm';
      in: number;
      out: number;
      weight: number;
      eps: number;
      offset?: number;
      heads?: number;
    }
  | { op: 'layer_norm'; in: number; out: number; weight: number; eps: number; bias?: number }
  | {
      op: 'matmul';
      in: number;
      out: number;
      weight: number;
      bias?: number;
      /** where `out` begins among the results of a weight (and its bias) that makes several buffers */
      first?: number;
      /** the weight is [in, out] */
      transposed?: boolean;
    }
  /** turns as many pairs of each head as the table has frequencies: halves of what turns, or neighbours */
  | {
      op: 'rope';
      buffer: number;
      heads: number;
      headDim: number;
      table: number;
      interleaved?: boolean;
    }
  | {
      op: 'attention';
      q: number;
      k: number;
      v: number;
      out: number;
      /** index of the cached layer */
      cache: number;
      heads: number;
      kvHeads: number;
      headDim: number;
      /** multiplies the dot products of queries and keys */
      scale: number;
      /** positions that a query sees, itself included; absent = all before it */
      window?: number;
      /** caps the scores softly */
      softcap?: number;
      /** false: every token sees the whole text, which is then computed in one piece. Default true. */
      causal?: boolean;
    }
  /** buffer = function(buffer) */
  | { op: Activation; buffer: number }
  /** buffer = cap * tanh(buffer / cap) */
  | { op: 'softcap'; buffer: number; cap: number }
  | { op: 'scale'; buffer: number; factor: number }
  /** out *= in */
  | { op: 'multiply'; in: number; out: number }
  /** out += in */
  | { op: 'add'; in: number; out: number };

/** Functions that the engine applies to each number of a buffer. */
export type Activation = 'silu' | 'gelu_tanh' | 'gelu_erf';

/** How far the pairs of a head turn from one position to the next. */
export interface RotaryTable {
  /** radians, one for each pair; at most headDim / 2 of them */
  inverseFrequencies: Float32Array;
  /** multiplies cosines and sines */
  scale: number;
}

export type LayerKind = 'embedding' | 'attention' | 'feed_forward' | 'norm' | 'output';

export interface NativeLayer {
  name: string;
  kind: LayerKind;
  tensors: readonly number[];
  /** runs only for the rows whose results are asked */
  head: boolean;
  ops: readonly NativeOp[];
}

export interface NativeGraph {
  width: number;
  vocab: number;
  contextLength: number;
  /** per cached layer: K and V of `width` floats per position */
  kv: { layers: number; width: number };
  rotary: readonly RotaryTable[];
  /** what the head layers leave for each token: scores of what follows, or an encoder's last hidden state */
  result: { buffer: number; kind: 'logits' | 'hidden' };
  buffers: readonly { name: string; width: number }[];
  layers: readonly NativeLayer[];
}
