/** What every format's reader says of a tensor. */
import type { Dtype } from './dtypes';

/** A tensor of a model: name, element type, shape, and where its bytes lie. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /** outermost first: a matrix is [out, in] */
  readonly shape: readonly number[];
  readonly bytes: number;
  /** bytes from the start of the file */
  readonly offset: number;
  readonly file: string;
  /** how it was made of the tensor that the model had before: `copied` bit by bit; absent in formats that do not say */
  readonly recipe?: string;
}
