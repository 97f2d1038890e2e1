/** The memory control group that this process runs in: where it is mounted, and its figures. */
import { dirname, join, relative } from 'node:path';
import { CONTROL_GROUP_VERSIONS, ControlGroup } from './control-group';
import { readSystemFile } from './system-file';

/** A control group at one moment. Sizes are bytes; null is what its kernel does not tell. */
export interface ProcessGroup {
  readonly version: 1 | 2;
  /** its name, as /proc/self/cgroup has it */
  readonly path: string;
  /** the least limit of the group and those that it lies in; null when none of them has one */
  readonly limit: number | null;
  /** charged to the group and those in it: anonymous memory, kernel memory and page cache */
  readonly usage: number | null;
  /** the largest `usage` so far */
  readonly peak: number | null;
  /** what of `usage` is page cache of files, which can be given up */
  readonly fileCache: number | null;
  /** how many times the group was at its limit and something had to be given up first */
  readonly limitHits: number | null;
  /** processes that were killed because nothing could be given up */
  readonly kills: number | null;
}

/** Where the files of a group are. */
export interface GroupPlace {
  readonly version: 1 | 2;
  readonly path: string;
  readonly folder: string;
  /** the folder of the topmost group that can be seen from here */
  readonly top: string;
}

/** The place of this process's group; null without control groups, or where they are not mounted. */
export function findProcessGroup(): GroupPlace | null {
  const membership = readSystemFile('/proc/self/cgroup');
  const mounts = readSystemFile('/proc/self/mountinfo');
  return membership === null || mounts === null ? null : locateGroup(membership, mounts);
}

export function readProcessGroup({ version, path, folder, top }: GroupPlace): ProcessGroup {
  const group = new ControlGroup(folder, CONTROL_GROUP_VERSIONS[version - 1]!);
  return {
    version,
    path,
    limit: group.tightestLimit(top),
    usage: told(() => group.usage()),
    peak: told(() => group.peak()),
    fileCache: told(() => group.fileCache()),
    limitHits: told(() => group.limitHits()),
    kills: told(() => group.kills()),
  };
}

/**
 * What can still be charged to the tightest of the group and those that it lies in, were all page cache given up, before its processes
 * are slowed down or killed; null when none has a limit. `total` is that limit.
 */
export function roomInGroup({
  version,
  folder,
  top,
}: GroupPlace): { available: number; total: number; kills: number } | null {
  let tightest: { available: number; total: number } | null = null;
  for (let at = folder; ; at = dirname(at)) {
    const group = new ControlGroup(at, CONTROL_GROUP_VERSIONS[version - 1]!);
    const total = group.comfortLimit();
    const used = total && told(() => group.usage() - group.fileCache());
    if (total && used !== null) {
      const available = Math.max(0, total - used);
      if (!tightest || available < tightest.available) tightest = { available, total };
    }
    if (at === top || at === dirname(at)) break;
  }
  const own = new ControlGroup(folder, CONTROL_GROUP_VERSIONS[version - 1]!);
  return tightest && { ...tightest, kills: told(() => own.kills()) ?? 0 };
}

/** The topmost group of version 2, and some kernels, lack files that others have. */
function told(figure: () => number): number | null {
  try {
    const number = figure();
    return Number.isNaN(number) ? null : number;
  } catch {
    return null;
  }
}

/**
 * Finds the group in the texts of /proc/self/cgroup and /proc/self/mountinfo. Where both versions are mounted, memory belongs to
 * the one that lists its controller.
 */
export function locateGroup(membership: string, mounts: string): GroupPlace | null {
  const ofVersion1 = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m.exec(membership)?.[1];
  const path = ofVersion1 ?? /^0::(.*)$/m.exec(membership)?.[1];
  if (path === undefined) return null;
  const version = ofVersion1 === undefined ? 2 : 1;
  for (const mount of parseMounts(mounts)) {
    const serves =
      version === 2 ? mount.type === 'cgroup2' : mount.type === 'cgroup' && mount.options.includes('memory');
    // A container may see no more than its own part of the tree, mounted as if it were all.
    const below = relative(mount.root, path);
    if (serves && !below.startsWith('..'))
      return { version, path, folder: join(mount.point, below), top: mount.point };
  }
  return null;
}

interface Mount {
  /** the folder of the file system that is mounted */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** `id parent device root point options … - type source options`, with spaces and backslashes in names as octal numbers. */
function parseMounts(mountinfo: string): Mount[] {
  const lines = mountinfo.matchAll(/^\d+ \d+ \S+ (\S+) (\S+) .*? - (\S+) \S+ (\S+)$/gm);
  return [...lines].map(([, root, point, type, options]) => ({
    root: plainName(root!),
    point: plainName(point!),
    type: type!,
    options: options!.split(','),
  }));
}

function plainName(name: string): string {
  return name.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
