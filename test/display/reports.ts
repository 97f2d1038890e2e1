/** Reports to write down: one of a program that uses memory in several ways, and extremes. */
import { emptyReport, type MemoryReport } from '../../src/display';
import { patchyMap } from './maps';
import { waveUsage } from './usages';

const KIB = 1024;
const MIB = 1024 * KIB;

export const TIME = '2026-03-01T12:00:00.000Z';

/** Something of everything. */
export function fullReport(): MemoryReport {
  const block = (holder: string, tag: string, bytes: number, allocatedAtMs: number) => ({
    holder,
    tag,
    bytes,
    allocatedAtMs,
    callSite: `/home/user/notebooks/cache.ts:${Math.round(allocatedAtMs)}:12`,
  });
  return {
    ...emptyReport('Memory of the manpage notebook', TIME),
    process: {
      residentBytes: 212 * MIB,
      residentPeakBytes: 260 * MIB,
      fileBackedBytes: 61 * MIB,
      majorFaults: 3,
    },
    totals: {
      currentBytes: 3.4 * MIB,
      peakBytes: 5.1 * MIB,
      totalAllocatedBytes: 812 * MIB,
      allocations: 61_204,
      frees: 60_871,
      newestFirstFrees: 12_020,
      liveBlocks: 333,
      reservedBytes: 6 * MIB,
      reservedPeakBytes: 8 * MIB,
      externalFragmentation: 0.46,
      internalFragmentation: 0.07,
      reservedOverActive: 1.64,
      planPeakOverLowerBound: 1.02,
    },
    holders: [
      {
        name: 'cache',
        kind: 'allocator',
        strategy: 'dynamic',
        currentBytes: 2.9 * MIB,
        peakBytes: 4.2 * MIB,
        reservedBytes: 5 * MIB,
        limitBytes: 16 * MIB,
        liveBlocks: 301,
        externalFragmentation: 0.46,
        internalFragmentation: 0.07,
      },
      {
        name: 'rows',
        kind: 'pool',
        strategy: 'pooled',
        currentBytes: 0.5 * MIB,
        peakBytes: 0.9 * MIB,
        reservedBytes: MIB,
        limitBytes: null,
        liveBlocks: 32,
        externalFragmentation: 0,
        internalFragmentation: 0.02,
      },
    ],
    byTag: [
      { tag: 'rows', currentBytes: 2 * MIB, blocks: 190 },
      { tag: 'index', currentBytes: 1.4 * MIB, blocks: 143 },
    ],
    sizes: [120, 8400, 31_000, 17_000, 3900, 700, 80, 4].map((count, power) => ({
      from: 64 * 2 ** power,
      to: 128 * 2 ** power,
      count,
      bytes: count * 96 * 2 ** power,
    })),
    lifetimes: [9000, 21_000, 17_000, 8000, 3000, 1500, 900, 471].map((count, power) => ({
      from: 0.004 * 4 ** power,
      to: 0.004 * 4 ** (power + 1),
      count,
    })),
    largestBlocks: [block('cache', 'rows', 256 * KIB, 12), block('cache', 'index', 96 * KIB, 3021)],
    leaks: [
      { ...block('scratchpad', 'rows', 4 * KIB, 803), closed: true },
      { ...block('cache', 'index', 512, 912), closed: false },
    ],
    misuses: [
      {
        kind: 'double free',
        holder: 'cache',
        tag: 'rows',
        bytes: 2048,
        timeMs: 1250,
        callSite: '/home/user/notebooks/cache.ts:71:5',
        message: 'block of 2.0 KiB was freed before, at 1.19 s',
      },
    ],
    fragmentation: [{ holder: 'cache', ...patchyMap(600) }],
    timeline: { samples: waveUsage(1, 120), limitBytes: 8 * MIB },
    advice: [
      {
        title: "Give 'cache' pools for its small blocks",
        because:
          '46% of its free bytes lie outside the largest hole, between 301 live blocks of 9.9 KiB on average.',
        change: "Create it with { strategy: 'pooled', blockSize: 256 }.",
      },
    ],
  };
}

/** Lists as a program leaves them that ran for a week. */
export function hugeReport(): MemoryReport {
  const block = (index: number) => ({
    holder: `holder ${index}`,
    tag: `tag ${index % 50}`,
    bytes: 1 + ((index * 7919) % 100_003),
    allocatedAtMs: index,
    callSite: `/home/user/${'deep/'.repeat(100)}file.ts:${index}:1`,
  });
  const many = Array.from({ length: 20_000 }, (_, index) => block(index));
  const { holders, misuses } = fullReport();
  return {
    ...fullReport(),
    holders: many.map(({ holder, bytes }) => ({ ...holders[0]!, name: holder, reservedBytes: bytes })),
    byTag: many.map(({ bytes }, index) => ({ tag: `tag ${index}`, currentBytes: bytes, blocks: 1 })),
    largestBlocks: many,
    leaks: many.map((each) => ({ ...each, closed: true })),
    misuses: many.map((each) => ({ ...misuses[0]!, holder: each.holder })),
    fragmentation: Array.from({ length: 12 }, (_, index) => ({
      holder: `holder ${index}`,
      ...patchyMap(30_000),
    })),
    timeline: { samples: waveUsage(1, 100_000), limitBytes: null },
  };
}

/** A report in which every name that comes from outside is `text`. */
export function reportNaming(text: string): MemoryReport {
  const report = fullReport();
  const named = { holder: text, tag: text, callSite: text };
  return {
    ...report,
    title: text,
    createdAt: text,
    process: { ...report.process!, [text]: 1 },
    holders: report.holders.map((holder) => ({ ...holder, name: text, strategy: text })),
    byTag: report.byTag.map((tag) => ({ ...tag, tag: text })),
    largestBlocks: report.largestBlocks.map((block) => ({ ...block, ...named })),
    leaks: report.leaks.map((leak) => ({ ...leak, ...named })),
    misuses: report.misuses.map((misuse) => ({ ...misuse, ...named, kind: text, message: text })),
    fragmentation: [{ holder: text, ...patchyMap(30, [text]) }],
    advice: [{ title: text, because: text, change: text }],
  };
}
