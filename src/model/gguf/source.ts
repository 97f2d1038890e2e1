/** What a configuration is translated from. */
import type { TensorInfo } from '../tensor-info';
import type { GgufHeader } from './header';

/** A header and the facts that all families have; `key` puts the architecture before a key of the metadata. */
export interface Source extends GgufHeader {
  readonly key: (name: string) => string;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
}

export function findTensor({ tensors }: Source, name: string): TensorInfo | undefined {
  return tensors.find((tensor) => tensor.name === name);
}
