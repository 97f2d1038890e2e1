/** The memory of this process as the operating system sees it: resident set, page faults, mappings, control group and pressure. */
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import { formatBytes, formatCount, formatDuration } from '../units';
import { processMemory, residentPeakWasReset } from './counters';
import { type Mappings, type MappingsOptions, readMappings } from './mappings';
import { type MemoryPressure, memoryPressure, type Stalls } from './pressure';
import { findProcessGroup, type ProcessGroup, readProcessGroup } from './process-group';
import { kilobytesIn, readSystemFile } from './system-file';

/** The figures of a view, without what it does with them. */
export type ProcessFigures = Omit<ProcessView, 'mappings' | 'table' | 'toString' | typeof jupyterDisplay>;

/**
 * What the operating system says of this process at one moment. Sizes are bytes; null is what it does not tell. Views come from
 * `processView()`.
 */
export class ProcessView {
  /** the resident set: pages in memory */
  readonly resident!: number | null;
  /** the high-water mark of `resident` */
  readonly residentPeak!: number | null;
  /** whether `residentPeak` counts from a `resetResidentPeak()`, and not from the start of the process */
  readonly residentPeakReset!: boolean;
  /** resident pages that belong to no file */
  readonly anonymous!: number | null;
  /** resident pages that belong to files */
  readonly fileBacked!: number | null;
  /** resident pages of shared memory, tmpfs included */
  readonly sharedMemory!: number | null;
  /** anonymous memory that was moved to swap space */
  readonly swapped!: number | null;
  /** page faults since the start that needed no reading */
  readonly minorFaults!: number;
  /** page faults since the start that waited for a read from storage */
  readonly majorFaults!: number;
  /** null without control groups */
  readonly controlGroup!: ProcessGroup | null;
  /** null where Linux does not measure it */
  readonly pressure!: MemoryPressure | null;

  constructor(figures: ProcessFigures) {
    Object.assign(this, figures);
  }

  /** What is mapped into the process when this is called, which takes milliseconds; null where the system does not tell. */
  mappings(options: MappingsOptions = {}): Mappings | null {
    return readMappings(options);
  }

  table(): Table {
    const rows = [...this.#ofProcess(), ...this.#ofControlGroup(), ...this.#ofPressure()];
    return new Table(['memory of the process', { label: 'now', align: 'right' }], rows);
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }

  #ofProcess(): Row[] {
    const since = this.residentPeakReset ? 'its reset' : 'the start';
    return [
      ['resident set', bytes(this.resident)],
      [`resident set, high-water mark since ${since}`, bytes(this.residentPeak)],
      ['resident, anonymous', bytes(this.anonymous)],
      ['resident, file-backed', bytes(this.fileBacked)],
      ['resident, shared memory', bytes(this.sharedMemory)],
      ['swapped', bytes(this.swapped)],
      ['page faults, minor', count(this.minorFaults)],
      ['page faults, major', count(this.majorFaults)],
    ];
  }

  #ofControlGroup(): Row[] {
    const group = this.controlGroup;
    if (!group) return [['control group', null]];
    return [
      [`control group, version ${group.version}`, group.path],
      ['control group, limit', bytes(group.limit ?? Number.POSITIVE_INFINITY)],
      ['control group, usage', bytes(group.usage)],
      ['control group, largest usage', bytes(group.peak)],
      ['control group, file cache in usage', bytes(group.fileCache)],
      ['control group, times at the limit', count(group.limitHits)],
      ['control group, kills', count(group.kills)],
    ];
  }

  #ofPressure(): Row[] {
    if (!this.pressure) return [['pressure', null]];
    const { scope, some, full } = this.pressure;
    return [
      [`pressure of the ${scope}, some tasks waited`, stalls(some)],
      [`pressure of the ${scope}, all tasks waited`, stalls(full)],
    ];
  }
}

/**
 * The memory of this process now, JavaScript included, each figure under the name of what it is. It takes a fraction of a
 * millisecond; mappings are read when they are asked for.
 *
 * @example
 * ```ts
 * const view = processView();
 * view.resident! > 0; // true
 * view.minorFaults > 0; // true
 * view.mappings()?.table(); // by file and kind, largest first
 * ```
 */
export function processView(): ProcessView {
  const { resident, residentPeak, fileBacked } = processMemory();
  const { minorPageFault, majorPageFault } = process.resourceUsage();
  const status = readSystemFile('/proc/self/status');
  const place = findProcessGroup();
  return new ProcessView({
    // Of these a process always has some: 0 is what is not told.
    resident: resident || null,
    residentPeak: residentPeak || null,
    fileBacked: fileBacked || null,
    residentPeakReset: residentPeakWasReset(),
    anonymous: kilobytesIn(status, 'RssAnon'),
    sharedMemory: kilobytesIn(status, 'RssShmem'),
    swapped: kilobytesIn(status, 'VmSwap'),
    minorFaults: minorPageFault,
    majorFaults: majorPageFault,
    controlGroup: place && readProcessGroup(place),
    pressure: memoryPressure(place?.folder),
  });
}

type Row = readonly [label: string, value: string | null];

function bytes(figure: number | null): string | null {
  return figure === null ? null : formatBytes(figure);
}

function count(figure: number | null): string | null {
  return figure === null ? null : formatCount(figure);
}

function stalls({ avg10, avg60, avg300, totalMs }: Stalls): string {
  const [of10, of60, of300] = [avg10, avg60, avg300].map((share) => `${(share * 100).toFixed(1)}%`);
  return `${of10} of 10 s, ${of60} of 60 s, ${of300} of 300 s, ${formatDuration(totalMs)} in all`;
}
