/** The same from JavaScript, where a call into the addon costs more than what it does there. */
import type { Row } from './memory-program';

/** One measurement of each, in this process. */
export function measureJavaScript(): readonly Row[] {
  return [];
}
