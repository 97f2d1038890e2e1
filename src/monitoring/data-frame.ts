/** Rows of figures as data frames of danfojs-node, which is loaded when the first one is asked for and need not be installed. */
import type { DataFrame, NDframe } from 'danfojs-node';
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import { HyperionError } from '../errors';

export type { DataFrame };

/**
 * Rows of figures as a danfojs data frame, to select, group and join them. Its columns are the keys of all rows; where a row lacks one,
 * null stands. In a notebook a frame, and what is made of it, shows as a table. The first call loads danfojs-node, which takes most of
 * a second and 40 to 90 MiB of resident memory.
 *
 * @throws HyperionError `UNSUPPORTED` when danfojs-node is not installed
 * @example
 * ```ts
 * const frame = await toDataFrame([
 *   { strategy: 'pool', bytes: 4096 },
 *   { strategy: 'arena', bytes: 1024 },
 *   { strategy: 'pool', bytes: 512 },
 * ]);
 * frame.shape; // [3, 2]
 * const sums = frame.groupby(['strategy']).col(['bytes']).sum();
 * sums.column('bytes_sum').values; // [4608, 1024]
 * ```
 */
export async function toDataFrame(
  rows: readonly Readonly<Record<string, number | string | null>>[],
): Promise<DataFrame> {
  const { DataFrame, NDframe, tensorflow } = await load();
  // Otherwise its first computation prints a banner, which would land in a cell.
  tensorflow.enableProdMode();
  Object.defineProperty(NDframe.prototype, jupyterDisplay, { value: show, configurable: true });
  // Of rows as objects it would take the columns from the first alone, and values by position.
  const columns = [...new Set(rows.flatMap(Object.keys))];
  const values = rows.map((row) => columns.map((column) => row[column] ?? null));
  return new DataFrame(values, { columns });
}

async function load(): Promise<typeof import('danfojs-node')> {
  try {
    return await import('danfojs-node');
  } catch (cause) {
    if (!/^(ERR_)?MODULE_NOT_FOUND$/.test((cause as { code?: string }).code ?? '')) throw cause;
    throw new HyperionError(
      'UNSUPPORTED',
      'data frames need danfojs-node, which is not installed; run: npm install danfojs-node@1.2.0 (with the "overrides" of ' +
        "hyperion-lab's package.json in yours, it comes without the native TensorFlow that it does not need here)",
      {},
      { cause },
    );
  }
}

/** Shows a frame or a series, which else would show its fields. */
function show(this: NDframe): MimeBundle {
  const columns = this.columns.map((label, index) => {
    return { label: String(label), unit: this.dtypes[index] === 'string' ? 'text' : 'number' } as const;
  });
  const rows = this.values.map((row, index) => [this.index[index], ...[row].flat()]);
  return new Table(['', ...columns], rows as (string | number | boolean)[][])[jupyterDisplay]();
}
