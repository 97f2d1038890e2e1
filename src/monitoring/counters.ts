/** The counters, each under the name of what it counts: bytes of one session, and memory of the whole process. */
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import { MEMORY_TAGS, type MemoryTag, type NativeMemory, native } from '../native';

/** Bytes by what they are for. */
export type BytesByTag = Readonly<Record<MemoryTag, number>>;

/** What a session held at one moment: data in whole pages, without code, stacks and arrays of JavaScript. */
export class SessionMemory {
  /** the limit in bytes; Infinity when there is none */
  readonly budget: number;
  /** bytes handed out now */
  readonly current: number;
  /** the largest `current` so far */
  readonly peak: number;
  /** bytes ever handed out, those given back included */
  readonly totalAllocated: number;
  /** how many times bytes were handed out */
  readonly allocations: number;
  /** how many times they came back */
  readonly frees: number;
  /** bytes held from the operating system now, which is what the budget bounds */
  readonly reserved: number;
  /** the largest `reserved` so far */
  readonly reservedPeak: number;
  readonly byTag: BytesByTag;
  /** each tag's own peak; they need not coincide */
  readonly peakByTag: BytesByTag;

  constructor(counters: NativeMemory) {
    this.budget = counters.budget;
    this.current = counters.current;
    this.peak = counters.peak;
    this.totalAllocated = counters.totalAllocated;
    this.allocations = counters.allocations;
    this.frees = counters.frees;
    this.reserved = counters.reserved;
    this.reservedPeak = counters.reservedPeak;
    this.byTag = counters.byTag;
    this.peakByTag = counters.peakByTag;
  }

  /** Current and peak bytes, for each tag and in all. */
  table(): Table {
    const rows = MEMORY_TAGS.map((tag) => [tag, this.byTag[tag], this.peakByTag[tag]]);
    return new Table(
      [{ label: 'bytes of' }, { label: 'current', unit: 'bytes' }, { label: 'peak', unit: 'bytes' }],
      [
        ...rows,
        ['all', this.current, this.peak],
        ['held from the operating system', this.reserved, this.reservedPeak],
        ['budget', this.budget, null],
      ],
    );
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}

/** Memory of the whole process in bytes, as the operating system counts it. */
export interface ProcessMemory {
  /** pages in memory now */
  readonly resident: number;
  /** the high-water mark of `resident`, since the start or the last reset */
  readonly residentPeak: number;
  /** those of the resident pages that belong to files */
  readonly fileBacked: number;
}

/**
 * Memory of the whole process, JavaScript included.
 *
 * @example
 * ```ts
 * processMemory().resident > 0; // true
 * ```
 */
export function processMemory(): ProcessMemory {
  return native().processMemory();
}

/**
 * Starts the high-water mark of the resident set anew. False where the operating system cannot.
 *
 * @example
 * ```ts
 * if (resetResidentPeak()) processMemory().residentPeak; // what it has been since
 * ```
 */
export function resetResidentPeak(): boolean {
  const reset = native().resetResidentPeak();
  wasReset ||= reset;
  return reset;
}

/** Whether `residentPeak` counts from a `resetResidentPeak()` of this process, and not from its start. */
export function residentPeakWasReset(): boolean {
  return wasReset;
}

let wasReset = false;
