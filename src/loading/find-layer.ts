/** A layer as a user names it. */
import { HyperionError } from '../errors';

/** @param layer its index or name; @throws HyperionError `INVALID` when there is none */
export function findLayer(names: readonly string[], layer: number | string): number {
  const index = typeof layer === 'string' ? names.indexOf(layer) : layer;
  if (Number.isInteger(index) && index >= 0 && index < names.length) return index;
  throw new HyperionError(
    'INVALID',
    typeof layer === 'string'
      ? `there is no layer '${layer}'; the layers are called '${names[0]}' to '${names.at(-1)}'`
      : `there is no layer ${String(layer)}; the layers are numbered from 0 to ${names.length - 1}`,
  );
}
