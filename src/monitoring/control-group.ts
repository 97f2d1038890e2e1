/**
 * Memory control groups of Linux, version 1 and 2: a cap that the kernel holds, whatever our own counters say. It counts anonymous
 * memory, kernel memory and page cache together.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The names that a version of the interface gives to the same things. */
interface Version {
  readonly root: string;
  readonly limit: string;
  readonly usage: string;
  readonly peak: string;
  readonly kills: string;
  /** what keeps memory of the group from being swapped out, so that the cap is one on memory */
  readonly noSwap: readonly [file: string, value: string];
}

const VERSIONS: readonly Version[] = [
  {
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    usage: 'memory.usage_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    kills: 'memory.oom_control',
    noSwap: ['memory.swappiness', '0'],
  },
  {
    root: '/sys/fs/cgroup',
    limit: 'memory.max',
    usage: 'memory.current',
    peak: 'memory.peak',
    kills: 'memory.events',
    noSwap: ['memory.swap.max', '0'],
  },
];

/** One group, empty at first. Its numbers are bytes. */
export class ControlGroup {
  /** Groups come from `createControlGroup()`. */
  constructor(
    readonly folder: string,
    private readonly version: Version,
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
    return Number(this.#read(this.version.usage));
  }

  /** The largest usage so far. */
  peak(): number {
    return Number(this.#read(this.version.peak));
  }

  /** Processes of the group that the kernel killed because of the cap. */
  kills(): number {
    return Number(/^oom_kill (\d+)$/m.exec(this.#read(this.version.kills))?.[1] ?? 0);
  }

  /** Removes the group. Its processes must have ended. */
  remove(): void {
    rmdirSync(this.folder);
  }

  #path(file: string): string {
    return join(this.folder, file);
  }

  #read(file: string): string {
    return readFileSync(this.#path(file), 'utf8');
  }
}

let made = 0;

/** A new group without a limit; undefined where none can be made: without Linux, or without the right to. */
export function createControlGroup(): ControlGroup | undefined {
  made += 1;
  const name = `hyperion-${process.pid}-${made}`;
  for (const version of VERSIONS) {
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

function forbidSwap(folder: string, { noSwap: [file, value] }: Version): void {
  try {
    writeFileSync(join(folder, file), value);
  } catch {
    // Kernels without swap accounting have no such file; without swap nothing needs it.
  }
}
