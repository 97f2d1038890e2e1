/** What memory tracking remembers beside the engine's counters: where blocks were allocated, and what was done wrong with them. */
import { checkFlag } from '../checks';
import { HyperionError } from '../errors';

export interface TrackingOptions {
  /** Remembers for each block where in a cell or file it was allocated, which costs microseconds. Default false. */
  readonly callSites?: boolean;
}

/** A wrong use of a block, as it was refused. */
export interface Misuse {
  readonly kind: 'double free' | 'stale handle' | 'foreign handle';
  /** the allocator or pool that refused it */
  readonly holder: string;
  /** of the block that the handle stood for; null when that is not known any more */
  readonly tag: string | null;
  /** of the block; null when that is not known any more */
  readonly bytes: number | null;
  /** milliseconds of performance.now() */
  readonly timeMs: number;
  /** where it happened; null when call sites are not tracked */
  readonly callSite: string | null;
  readonly message: string;
}

/** Of more, the newest. */
const KEPT_MISUSES = 64;

let misuses: Misuse[] = [];
let callSites = false;
let enabled = false;
const listeners: (() => void)[] = [];

/**
 * Follows every allocator and pool from now on: when and, if asked, where each block was allocated, sizes and lifetimes, bytes
 * over time, and wrong uses. Counters and lists of live blocks are there without it. Switched off, it forgets what it followed.
 *
 * A timeline keeps the newest 4096 moments of each allocator, 96 KiB; a live block costs some 50 bytes more, and its allocation some tens
 * of nanoseconds (`hyperion bench memory` says how many here).
 *
 * @throws HyperionError `INVALID` unless `on` is true or false
 * @example
 * ```ts
 * enableMemoryTracking(true, { callSites: true });
 * using pool = createPool({ size: '1 MiB', blockSize: '4 KiB' });
 * pool.allocate();
 * pool.liveBlocks().blocks[0].allocatedMs > 0; // true
 * enableMemoryTracking(false);
 * ```
 */
export function enableMemoryTracking(on: boolean, options: TrackingOptions = {}): void {
  enabled = checkFlag('enableMemoryTracking', on);
  callSites = checkFlag('callSites', options.callSites ?? false) && on;
  if (!on) misuses = [];
  for (const listener of listeners) listener();
}

/** Whether `enableMemoryTracking(true)` holds. */
export function isTracking(): boolean {
  return enabled;
}

/** Whether call sites are asked for of every allocator. */
export function tracksCallSites(): boolean {
  return callSites;
}

/** Calls `listener` whenever tracking is switched on or off. */
export function onTracking(listener: () => void): void {
  listeners.push(listener);
}

/** Remembers a wrong use; it is in the next report. */
export function noteMisuse(misuse: Omit<Misuse, 'timeMs' | 'callSite'>): void {
  misuses.push({ ...misuse, timeMs: performance.now(), callSite: enabled ? callSite() : null });
  if (misuses.length > KEPT_MISUSES) misuses.shift();
}

/** Wrong uses since tracking was last switched off, oldest first; of very many, the newest. */
export function listMisuses(): readonly Misuse[] {
  return misuses;
}

/** The line of the user's code that is running, such as `cell [3]:2:9`; null when there is none. */
export function callSite(): string | null {
  // The kernel writes stacks of this name without frames of the package.
  const marker = new HyperionError('INVALID', 'call site');
  for (const line of (marker.stack ?? '').split('\n').slice(1)) {
    const place = /^\s+at (?:.*\()?(.+?)\)?$/.exec(line)?.[1];
    if (place && !place.startsWith(PACKAGE) && !place.startsWith('node:')) return place;
  }
  return null;
}

/** The folder of this package's code, compiled or not. */
const PACKAGE = __dirname.slice(0, -'monitoring'.length);
