/** How much memory this process could still have before the kernel would have to take it from someone. */
import { freemem, totalmem } from 'node:os';
import { memoryPressure } from './pressure';
import { findProcessGroup, type GroupPlace, roomInGroup } from './process-group';
import { kilobytesIn, readSystemFile } from './system-file';

/** The memory of whatever is tightest: the machine, or a control group that the process is in. Sizes are bytes. */
export interface FreeMemory {
  /** could be had now; page cache, which is given up for the asking, is not counted as used */
  readonly available: number;
  /** what there is in all: the group's limit, or the machine's memory */
  readonly total: number;
  /** share of the last ten seconds in which some task waited for memory; 0 where Linux does not tell */
  readonly pressure: number;
  /** processes of the group that the kernel has killed for memory */
  readonly kills: number;
}

let place: GroupPlace | null | undefined;

export function readFreeMemory(): FreeMemory {
  place ??= findProcessGroup();
  const meminfo = readSystemFile('/proc/meminfo');
  const system = {
    available: kilobytesIn(meminfo, 'MemAvailable') ?? freemem(),
    total: kilobytesIn(meminfo, 'MemTotal') ?? totalmem(),
  };
  const group = place && roomInGroup(place);
  const tightest = group && group.available < system.available ? group : system;
  const pressure = memoryPressure(place?.folder)?.some.avg10 ?? 0;
  return { ...tightest, pressure, kills: group?.kills ?? 0 };
}
