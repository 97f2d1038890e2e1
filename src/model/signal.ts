/** What stops work that takes long: a signal of the caller's, and the notebook's interrupt. */
import { kernelHost } from '../display';
import { HyperionError } from '../errors';

/** One signal for all: the caller's, that of the cell which runs, and others. @throws HyperionError `INVALID` */
export function resolveSignal(signal: AbortSignal | undefined, ...others: AbortSignal[]): AbortSignal {
  const cell = kernelHost()?.signal;
  try {
    return AbortSignal.any([signal, cell, ...others].filter((one) => one !== undefined));
  } catch (cause) {
    throw new HyperionError('INVALID', 'signal is not an AbortSignal', {}, { cause });
  }
}
