/** The comparison of allocators as a table for a reader, with the targets beside what was measured. */
import { Table } from '../../display';
import type { Measurement, MemoryResult } from './memory';
import { SUBJECTS } from './memory-subjects';

export function memoryReport({ repeat, operations, peers, measurements }: MemoryResult): string {
  const table = new Table(
    [
      'workload',
      'allocator',
      'measure',
      'unit',
      { label: 'median (min–max)', align: 'right' },
      { label: 'target', align: 'right' },
      'compared',
      { label: 'ratio', align: 'right' },
      { label: 'target ratio', align: 'right' },
    ],
    measurements.flatMap(rows),
    {
      caption: `allocators, measured ${repeat} times, ${operations} operations each; ns of one allocation and its free`,
    },
  );
  const notes = [
    'Targets in ns were set on another machine: what carries over is the ratio to the peer measured beside.',
    ...peers.flatMap(({ name, library, package: from }) =>
      library ? [] : [`${name} is not here, and is not compared with: apt-get install ${from}`],
    ),
    ...boostNote(measurements),
  ];
  return `${[table.toString(), '', ...notes].join('\n')}\n`;
}

/** One row for a measurement, and one more for each further peer. */
function rows({ workload, subject, measure, unit, value, ratios, target }: Measurement) {
  const compared = Object.entries(ratios);
  const first = [workload, subject, measure, unit, spreadText(value), number(target?.value)];
  const beside = (peer: string, ratio: number) => [
    `to ${peer}`,
    `${ratio.toFixed(2)}x`,
    target?.peer === peer && target.ratio !== undefined ? `${target.ratio.toFixed(2)}x` : '',
  ];
  if (compared.length === 0) return [[...first, '', '', '']];
  return compared.map(([peer, ratio], index) => [
    ...(index === 0 ? first : ['', '', '', '', '', '']),
    ...beside(peer, ratio),
  ]);
}

function spreadText({ median, min, max }: Measurement['value']): string {
  return `${number(median)} (${number(min)}–${number(max)})`;
}

function number(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(value < 100 ? 2 : 0);
}

/** It is a header that the program is compiled with, not a library that is loaded. */
function boostNote(measurements: readonly Measurement[]): string[] {
  const wanted = SUBJECTS.flatMap(({ peers }) => peers).includes('boost::pool');
  if (!wanted || measurements.some(({ subject }) => subject === 'boost::pool')) return [];
  return [
    'boost::pool was not here when the program was built: apt-get install libboost-dev && npm run build:native',
  ];
}
