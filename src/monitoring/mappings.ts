/** What is mapped into this process and how much of each mapping is in memory, as /proc/self/smaps tells it. */
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import { formatBytes, formatCount } from '../units';
import { type DataFrame, toDataFrame } from './data-frame';
import { kilobytesIn, readSystemFile } from './system-file';

export interface MappingsOptions {
  /** One row for all mappings of a path or kind, largest resident first; otherwise one for each, by address. Default true. */
  readonly group?: boolean;
}

/** One mapping, or all of a path together. Sizes are bytes. */
export interface Mapping {
  /** the file, ` (deleted)` if it is, a kind such as `[heap]` or `[stack]`, or `anonymous` */
  readonly path: string;
  /** begin and end as in smaps, hexadecimal; null for several mappings */
  readonly addresses: string | null;
  /** how many mappings these are */
  readonly mappings: number;
  /** address space, in memory or not */
  readonly mapped: number;
  readonly resident: number;
  /** resident, each page divided by the number of processes that map it */
  readonly proportional: number;
  /** resident pages accessed since they were last marked as not */
  readonly referenced: number;
  /** resident anonymous memory in huge pages */
  readonly anonymousHugePages: number;
  readonly swapped: number;
}

/** The sizes of a mapping, by the names they have in smaps. */
const SIZES = {
  mapped: 'Size',
  resident: 'Rss',
  proportional: 'Pss',
  referenced: 'Referenced',
  anonymousHugePages: 'AnonHugePages',
  swapped: 'Swap',
} as const;
const SIZE_NAMES = Object.keys(SIZES) as (keyof typeof SIZES)[];

/** Mappings at one moment. They come from `processView().mappings()`. */
export class Mappings {
  constructor(readonly rows: readonly Mapping[]) {}

  table(): Table {
    const { mappings, resident } = total('all', this.rows);
    const grouped = this.rows.every(({ addresses }) => addresses === null);
    return new Table(
      [
        'path',
        grouped ? { label: 'mappings', unit: 'count' } : 'addresses',
        ...SIZE_NAMES.map((name) => ({ label: LABELS[name] ?? name, unit: 'bytes' as const })),
      ],
      this.rows.map((row) => [
        row.path,
        grouped ? row.mappings : row.addresses,
        ...SIZE_NAMES.map((name) => row[name]),
      ]),
      { caption: `${formatCount(mappings)} mappings, ${formatBytes(resident)} resident` },
    );
  }

  /**
   * The rows as a data frame.
   *
   * @throws HyperionError `UNSUPPORTED` when danfojs-node is not installed
   */
  toDataFrame(): Promise<DataFrame> {
    return toDataFrame(this.rows.map((row) => ({ ...row })));
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}

const LABELS: Partial<Record<string, string>> = { anonymousHugePages: 'anonymous huge pages' };

/** The mappings of this process now, which takes milliseconds; null where the operating system does not tell. */
export function readMappings({ group = true }: MappingsOptions = {}): Mappings | null {
  const text = readSystemFile('/proc/self/smaps');
  if (text === null) return null;
  const mappings = parseMappings(text);
  return new Mappings(group ? groupByPath(mappings) : mappings);
}

/** A first line for each mapping, `begin-end permissions offset device inode  path`, then one for each of its figures. */
const FIRST_LINE = /^([0-9a-f]+-[0-9a-f]+) \S+ [0-9a-f]+ \S+ \d+ *(.*)$/m;

/** The text of smaps. A figure that the kernel does not give counts as 0: a mapping may end while it is described. */
export function parseMappings(text: string): Mapping[] {
  return text.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).flatMap((description) => {
    const [, addresses, path] = FIRST_LINE.exec(description) ?? [];
    if (addresses === undefined) return [];
    const sizes = SIZE_NAMES.map((name) => [name, kilobytesIn(description, SIZES[name]) ?? 0]);
    return { path: pathOf(path!), addresses, mappings: 1, ...Object.fromEntries(sizes) };
  });
}

/** In smaps a newline, and nothing else, is written as its octal number. */
function pathOf(written: string): string {
  return written === '' ? 'anonymous' : written.replaceAll('\\012', '\n');
}

export function groupByPath(mappings: readonly Mapping[]): Mapping[] {
  const groups = new Map<string, Mapping[]>();
  for (const mapping of mappings) {
    const group = groups.get(mapping.path);
    if (group) group.push(mapping);
    else groups.set(mapping.path, [mapping]);
  }
  const totals = [...groups].map(([path, group]) => total(path, group));
  return totals.sort((a, b) => b.resident - a.resident);
}

function total(path: string, rows: readonly Mapping[]): Mapping {
  const sum = (name: keyof typeof SIZES | 'mappings') => rows.reduce((bytes, row) => bytes + row[name], 0);
  const sizes = SIZE_NAMES.map((name) => [name, sum(name)]);
  return { path, addresses: null, mappings: sum('mappings'), ...Object.fromEntries(sizes) };
}
