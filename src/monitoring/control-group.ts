/**
 * Memory control groups of Linux, version 1 and 2: a cap that the kernel holds, whatever our own counters say. It counts anonymous
 * memory, kernel memory and page cache together.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readSystemFile } from './system-file';

/** A file of a group and the lines of it whose numbers together are the figure. */
type Figure = readonly [file: string, lines: RegExp];

const WHOLE_FILE = /^(\d+)$/gm;

/** The names that a version of the interface gives to the same things. */
export interface ControlGroupVersion {
  readonly version: 1 | 2;
  readonly root: string;
  readonly limit: string;
  readonly usage: Figure;
  readonly peak: Figure;
  readonly fileCache: Figure;
  readonly limitHits: Figure;
  readonly kills: Figure;
  /** what keeps memory of the group from being swapped out, so that the cap is one on memory */
  readonly noSwap: readonly [file: string, value: string];
}

export const CONTROL_GROUP_VERSIONS: readonly [ControlGroupVersion, ControlGroupVersion] = [
  {
    version: 1,
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    usage: ['memory.usage_in_bytes', WHOLE_FILE],
    peak: ['memory.max_usage_in_bytes', WHOLE_FILE],
    fileCache: ['memory.stat', /^total_(?:in)?active_file (\d+)$/gm],
    limitHits: ['memory.failcnt', WHOLE_FILE],
    kills: ['memory.oom_control', /^oom_kill (\d+)$/gm],
    noSwap: ['memory.swappiness', '0'],
  },
  {
    version: 2,
    root: '/sys/fs/cgroup',
    limit: 'memory.max',
    usage: ['memory.current', WHOLE_FILE],
    peak: ['memory.peak', WHOLE_FILE],
    fileCache: ['memory.stat', /^(?:in)?active_file (\d+)$/gm],
    limitHits: ['memory.events', /^max (\d+)$/gm],
    kills: ['memory.events', /^oom_kill (\d+)$/gm],
    noSwap: ['memory.swap.max', '0'],
  },
];

/** One group, empty at first. Its numbers are bytes. */
export class ControlGroup {
  /** Groups come from `createControlGroup()`. */
  constructor(
    readonly folder: string,
    private readonly version: ControlGroupVersion,
  ) {}

  /** Caps the group from now on; page cache beyond the cap is given up at once. */
  limit(bytes: number): void {
    writeFileSync(join(this.folder, this.version.limit), String(bytes));
  }

  /** The command that runs `command` in this group from its first instruction on. */
  enter(command: readonly string[]): [string, ...string[]] {
    return ['sh', '-c', 'echo $$ > "$1" && shift && exec "$@"', 'sh', this.#path('cgroup.procs'), ...command];
  }

  usage(): number {
    return this.#sum(this.version.usage);
  }

  /** The largest usage so far. */
  peak(): number {
    return this.#sum(this.version.peak);
  }

  /** What of the usage is page cache of files, which the kernel gives up when the group needs memory. */
  fileCache(): number {
    return this.#sum(this.version.fileCache);
  }

  /** How many times the group was at its cap and something had to be given up first. */
  limitHits(): number {
    return this.#sum(this.version.limitHits);
  }

  /** Processes of the group that the kernel killed because of the cap. */
  kills(): number {
    return this.#sum(this.version.kills);
  }

  /** The cap of this group itself; null when it has none. */
  ownLimit(): number | null {
    return parseLimit(readSystemFile(this.#path(this.version.limit)));
  }

  /** The cap of this group itself, or the usage from which on version 2 slows its processes down; null when it has neither. */
  comfortLimit(): number | null {
    const high = this.version.version === 2 ? parseLimit(readSystemFile(this.#path('memory.high'))) : null;
    const limit = this.ownLimit();
    return high === null || limit === null ? (high ?? limit) : Math.min(high, limit);
  }

  /** The least cap of this group and those that it lies in, up to the folder `top`; null when none of them has one. */
  tightestLimit(top: string): number | null {
    let tightest: number | null = null;
    for (let folder = this.folder; ; folder = dirname(folder)) {
      const limit = new ControlGroup(folder, this.version).ownLimit();
      if (limit !== null) tightest = Math.min(limit, tightest ?? limit);
      if (folder === top || folder === dirname(folder)) return tightest;
    }
  }

  /** Removes the group. Its processes must have ended. */
  remove(): void {
    rmdirSync(this.folder);
  }

  #path(file: string): string {
    return join(this.folder, file);
  }

  /** NaN where this kernel does not count the figure; throws where it has no such file. */
  #sum([file, lines]: Figure): number {
    const counts = [...readFileSync(this.#path(file), 'utf8').matchAll(lines)].map(([, count]) =>
      Number(count),
    );
    return counts.length === 0 ? Number.NaN : counts.reduce((sum, count) => sum + count);
  }
}

/** A cap in bytes; null for none, which version 2 writes `max`, and version 1 as the largest number of whole pages. */
export function parseLimit(text: string | null): number | null {
  const bytes = Number.parseInt(text ?? '', 10);
  return bytes < 2 ** 62 ? bytes : null;
}

let made = 0;

/** A new group without a limit; undefined where none can be made: without Linux, or without the right to. */
export function createControlGroup(): ControlGroup | undefined {
  made += 1;
  const name = `hyperion-${process.pid}-${made}`;
  for (const version of CONTROL_GROUP_VERSIONS) {
    const folder = join(version.root, name);
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    if (existsSync(join(folder, version.limit))) {
      forbidSwap(folder, version);
      return new ControlGroup(folder, version);
    }
    rmdirSync(folder);
  }
  return undefined;
}

function forbidSwap(folder: string, { noSwap: [file, value] }: ControlGroupVersion): void {
  try {
    writeFileSync(join(folder, file), value);
  } catch {
    // Kernels without swap accounting have no such file; without swap nothing needs it.
  }
}
