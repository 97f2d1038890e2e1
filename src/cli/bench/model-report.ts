/** The comparison of readers as a table for a reader. */
import { Table } from '../../display';
import { formatBytes } from '../../units';
import type { ModelMeasurement, ModelResult } from './model';
import type { Spread } from './spread';

export function modelReport({ repeat, peers, measurements }: ModelResult): string {
  const table = new Table(
    [
      'format',
      'measure',
      { label: 'here: median (min–max)', align: 'right' },
      { label: 'limit', align: 'right' },
      { label: 'Python', align: 'right' },
      { label: 'here / Python', align: 'right' },
    ],
    measurements.map(row),
    { caption: `models opened and read from the page cache, measured ${repeat} times; bytes are the file's` },
  );
  const notes = peers.map(({ name, version }) =>
    version === null
      ? `Python's ${name} is not here, and is not compared with: pip install ${name} numpy, for the Python that HYPERION_PYTHON names`
      : `Python's ${name} ${version} reads through numpy.`,
  );
  return `${[table.toString(), '', ...notes].join('\n')}\n`;
}

function row({ format, measure, unit, value, peer, ratio, limit }: ModelMeasurement) {
  return [
    format,
    measure,
    spreadText(value, unit),
    limit === null ? '' : `< ${amount(limit, unit)}`,
    peer ? spreadText(peer, unit) : '',
    ratio === null ? '' : `${ratio.toFixed(2)}x`,
  ];
}

function spreadText({ median, min, max }: Spread, unit: ModelMeasurement['unit']): string {
  return `${amount(median, unit)} (${amount(min, unit)}–${amount(max, unit)})`;
}

function amount(value: number, unit: ModelMeasurement['unit']): string {
  if (unit === 'ms') return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  return unit === 'bytes' ? formatBytes(value) : `${formatBytes(value)}/s`;
}
