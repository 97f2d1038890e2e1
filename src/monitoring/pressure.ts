/** Pressure stall information: how long processes waited for memory, as Linux tells it since 4.20 where it is switched on. */
import { join } from 'node:path';
import { readSystemFile } from './system-file';

/** Waiting for memory: shares of the time, from 0 to 1, over the last seconds, and how long it was in all. */
export interface Stalls {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly totalMs: number;
}

export interface MemoryPressure {
  /** whose waiting it is: that of the process's control group, or of the whole machine */
  readonly scope: 'group' | 'system';
  /** at least one task waited */
  readonly some: Stalls;
  /** all tasks waited, so that nothing was done */
  readonly full: Stalls;
}

/** The pressure of the control group in `folder` where its version knows one, otherwise that of the system; null without either. */
export function memoryPressure(folder: string | undefined): MemoryPressure | null {
  const ofGroup =
    folder === undefined ? null : parsePressure(readSystemFile(join(folder, 'memory.pressure')));
  if (ofGroup) return { scope: 'group', ...ofGroup };
  const ofSystem = parsePressure(readSystemFile('/proc/pressure/memory'));
  return ofSystem && { scope: 'system', ...ofSystem };
}

/** The two lines of a pressure file, in which averages are percent and totals microseconds. */
export function parsePressure(text: string | null): Omit<MemoryPressure, 'scope'> | null {
  const some = parseStalls(text ?? '', 'some');
  const full = parseStalls(text ?? '', 'full');
  return some && full && { some, full };
}

function parseStalls(text: string, kind: string): Stalls | null {
  const number = String.raw`=([\d.]+)`;
  const line = new RegExp(`^${kind} avg10${number} avg60${number} avg300${number} total${number}$`, 'm');
  const fields = line.exec(text)?.slice(1).map(Number);
  if (!fields) return null;
  const [avg10, avg60, avg300, total] = fields as [number, number, number, number];
  return { avg10: avg10 / 100, avg60: avg60 / 100, avg300: avg300 / 100, totalMs: total / 1000 };
}
