/** What the files of a model say of it, whatever their format. */
import type { Checksums } from './checksums';
import type { JsonObject } from './json';
import type { TensorInfo } from './tensor-info';
import type { Tokenizer } from './tokenizer';

export interface ModelContents {
  /** the file that the configuration is from */
  readonly configPath: string;
  readonly config: JsonObject;
  /** sorted by file, then by place in the file */
  readonly tensors: readonly TensorInfo[];
  readonly tokenizer: Tokenizer | null;
  /** tokens that end a text; empty when the model does not say */
  readonly endIds: readonly number[];
  /** the file's name of a tensor, for its name in Hugging Face's models; absent when they are the same */
  readonly fileName?: (canonical: string) => string;
  /** absent in formats that have none */
  readonly checksums?: Checksums;
}
