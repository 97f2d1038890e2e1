/** Counters of a phase: what was allocated and freed since it began. */
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import type { NativeCounters } from '../native';

/** What blocks asked for, in one phase of the work; sizes in bytes. */
export class Counters {
  /** the phase's name */
  readonly phase: string;
  /** bytes that were allocated in the phase and not freed in it; below 0 when older blocks were freed */
  readonly current: number;
  /** the largest `current` of the phase */
  readonly peak: number;
  readonly totalAllocated: number;
  /** how many times */
  readonly allocations: number;
  /** how many times */
  readonly frees: number;

  constructor(phase: string, counters: NativeCounters) {
    this.phase = phase;
    this.current = counters.current;
    this.peak = counters.peak;
    this.totalAllocated = counters.totalAllocated;
    this.allocations = counters.allocations;
    this.frees = counters.frees;
  }

  table(): Table {
    return new Table(
      [
        'phase',
        { label: 'current', unit: 'bytes' },
        { label: 'peak', unit: 'bytes' },
        { label: 'allocated in all', unit: 'bytes' },
        { label: 'allocations', unit: 'count' },
        { label: 'frees', unit: 'count' },
      ],
      [[this.phase, this.current, this.peak, this.totalAllocated, this.allocations, this.frees]],
    );
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}
