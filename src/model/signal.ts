/** What ends long work: the caller's signal, and in a notebook an interrupt of the cell. */
import { kernelHost } from '../display';
import { HyperionError } from '../errors';

/**
 * One signal for the caller's, and in a notebook the running cell's.
 *
 * @throws HyperionError `INVALID` when it is not a signal
 */
export function resolveSignal(signal: AbortSignal | undefined, ...others: AbortSignal[]): AbortSignal {
  const cell = kernelHost()?.signal;
  try {
    return AbortSignal.any([signal, cell, ...others].filter((one) => one !== undefined));
  } catch (cause) {
    throw new HyperionError('INVALID', 'signal is not an AbortSignal', {}, { cause });
  }
}
