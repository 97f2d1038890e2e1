/** What loading has done, with the rates that follow from it. */
import type { NativeStoreStatistics } from '../native';

/** What loading has done. Sizes in bytes, times in milliseconds. */
export interface LoadingStatistics extends NativeStoreStatistics {
  /** bytes read in a second while anything was read; 0 before that */
  readonly bandwidth: number;
  /** share of the time in which something was read during which something computed */
  readonly overlap: number;
}

export function withRates(statistics: NativeStoreStatistics): LoadingStatistics {
  const { bytesRead, readingMs, overlapMs } = statistics;
  return {
    ...statistics,
    bandwidth: readingMs > 0 ? (1000 * bytesRead) / readingMs : 0,
    overlap: readingMs > 0 ? overlapMs / readingMs : 0,
  };
}
