/** What `hyperion bench memory` measures, what each is compared with, and the targets that were set for it. */

/** The rows of one workload, each measured by several subjects. */
export type Workload = 'pool' | 'general' | 'dynamic' | 'tracking' | 'threads' | 'javascript';

/** A subject of the project's own, and its peers, which measured the same in `against`. */
export interface Subject {
  readonly workload: Workload;
  readonly subject: string;
  readonly against: Workload;
  readonly peers: readonly string[];
  /** by measure */
  readonly targets: Readonly<Record<string, Target>>;
}

/**
 * Nanoseconds depend on the machine; the ratio to the peer that the nanoseconds were set beside does not. A target that is a
 * ratio by itself (resident bytes for each live byte) has no peer.
 */
export interface Target {
  readonly value?: number;
  readonly peer?: string;
  readonly ratio?: number;
}

export const SYSTEM_MALLOC = 'glibc';

const POOLS = ['floor', 'boost::pool'];

export const SUBJECTS: readonly Subject[] = [
  {
    workload: 'pool',
    subject: 'pool',
    against: 'pool',
    peers: POOLS,
    targets: {
      lifo: { value: 1, peer: 'boost::pool', ratio: 1.9 },
      batch: { value: 1.6, peer: 'boost::pool', ratio: 0.6 },
    },
  },
  {
    workload: 'pool',
    subject: 'checked pool',
    against: 'pool',
    peers: POOLS,
    targets: {
      lifo: { value: 1.6, peer: 'boost::pool', ratio: 3 },
      batch: { value: 2.7, peer: 'boost::pool', ratio: 1 },
    },
  },
  {
    workload: 'dynamic',
    subject: 'dynamic',
    against: 'general',
    peers: [SYSTEM_MALLOC, 'mimalloc', 'jemalloc', 'tcmalloc'],
    targets: { trace: { value: 14, peer: 'tcmalloc', ratio: 1.3 }, resident: { value: 1.25 } },
  },
  {
    workload: 'tracking',
    subject: 'tracking alone',
    against: 'tracking',
    peers: ['dynamic'],
    targets: { trace: { value: 3 } },
  },
  {
    workload: 'threads',
    subject: 'shared pool, 2 threads',
    against: 'threads',
    peers: ['shared pool, 1 thread', 'locked pool, 2 threads'],
    targets: { lifo: { peer: 'shared pool, 1 thread', ratio: 1.3 } },
  },
  {
    workload: 'javascript',
    subject: 'JavaScript pool',
    against: 'javascript',
    peers: [],
    targets: { lifo: { value: 130 }, batch: { value: 35 } },
  },
];
