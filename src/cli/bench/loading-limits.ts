/** What a pass cannot beat, and what it must stay below: formulas alone. Sizes in bytes. */

export interface Bandwidths {
  /** bytes per second of direct reads of the model's file in sequence, with nothing computed */
  readonly disk: number;
  /** bytes per second at which all threads together read memory */
  readonly memory: number;
}

/** What the machine gave at one moment, in bytes per second. */
export interface MachineSpeeds {
  /** for each number of reads at a time */
  readonly disk: readonly number[];
  readonly memory: number;
}

/** What the machine gave between two moments, where disks and neighbours change from second to second: the means of both. */
export function meanBandwidths(before: MachineSpeeds, after: MachineSpeeds): Bandwidths {
  return {
    disk: Math.max(...before.disk.map((speed, index) => (speed + after.disk[index]!) / 2)),
    memory: (before.memory + after.memory) / 2,
  };
}

/**
 * Passes per second that the machine allows: a pass waits for the disk to give what is read, or for memory to give all that is computed
 * with, whichever takes longer.
 */
export function passLimit(readBytes: number, passBytes: number, { disk, memory }: Bandwidths): number {
  return 1 / Math.max(readBytes / disk, passBytes / memory);
}

export interface Residence {
  readonly modelBytes: number;
  readonly budget: number;
  /** what a session needs beside weights */
  readonly workingSetBytes: number;
  /** weights of a transformer block: attention and feed-forward */
  readonly blockBytes: number;
}

/** The most that a pass may read: the weights that do not fit beside the working set, and a block. */
export function mostRead({ modelBytes, budget, workingSetBytes, blockBytes }: Residence): number {
  return Math.min(modelBytes, Math.max(0, modelBytes - (budget - workingSetBytes)) + blockBytes);
}
