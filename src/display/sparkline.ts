/** A curve in one line of text. */

const BLOCKS = '▁▂▃▄▅▆▇█';

/**
 * Values as blocks of rising height, `width` of them at most; each shows the largest value of its stretch.
 *
 * @param top the value of a full block
 * @example
 * ```ts
 * sparkline([0, 5, 10], 10); // '▁▅█'
 * ```
 */
export function sparkline(values: readonly number[], top: number, width = 48): string {
  const count = Math.min(width, values.length);
  let line = '';
  for (let index = 0; index < count; index++) {
    const begin = Math.floor((index * values.length) / count);
    const end = Math.floor(((index + 1) * values.length) / count);
    const value = values.slice(begin, end).reduce((most, each) => Math.max(most, each), 0);
    const height = top > 0 ? Math.round((value / top) * (BLOCKS.length - 1)) : 0;
    line += BLOCKS[Math.min(BLOCKS.length - 1, height)];
  }
  return line;
}
