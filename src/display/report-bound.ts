/** A report of bounded size: of each list what matters most, the rest counted. */
import { boundMap } from './fragmentation-map';
import { boundBins } from './histogram-figure';
import type { HolderMap, MemoryReport, ReportList } from './report';
import { boundSamples } from './usage-figure';

const MOST: Readonly<Record<ReportList, number>> = {
  holders: 100,
  byTag: 100,
  largestBlocks: 50,
  leaks: 100,
  misuses: 100,
  fragmentation: 4,
  advice: 50,
};

/** The report with the first of each list, or the largest; `omitted` counts the others. Curves and maps are thinned. */
export function boundReport(report: MemoryReport): MemoryReport {
  const omitted: Partial<Record<ReportList, number>> = {};
  const first = <Item>(list: ReportList, items: readonly Item[]): Item[] => {
    const more = (report.omitted?.[list] ?? 0) + Math.max(0, items.length - MOST[list]);
    if (more > 0) omitted[list] = more;
    return items.slice(0, MOST[list]);
  };
  const largest = <Item>(list: ReportList, items: readonly Item[], figure: (item: Item) => number): Item[] =>
    first(
      list,
      items.toSorted((one, two) => figure(two) - figure(one)),
    );
  return {
    ...report,
    holders: largest('holders', report.holders, (holder) => holder.reservedBytes),
    byTag: largest('byTag', report.byTag, (tag) => tag.currentBytes),
    sizes: boundBins(report.sizes),
    lifetimes: boundBins(report.lifetimes),
    largestBlocks: largest('largestBlocks', report.largestBlocks, (block) => block.bytes),
    leaks: first('leaks', report.leaks),
    misuses: first('misuses', report.misuses),
    fragmentation: largest('fragmentation', report.fragmentation, scatteredBytes).map(boundMap),
    timeline: { ...report.timeline, samples: boundSamples(report.timeline.samples) },
    advice: first('advice', report.advice),
    omitted,
  };
}

/** Free bytes outside the largest hole: the maps where these are many are those worth a look. */
function scatteredBytes({ spans, largestFreeBytes }: HolderMap): number {
  const free = spans.reduce((sum, { state, bytes }) => sum + (state === 'free' ? bytes : 0), 0);
  return free - largestFreeBytes;
}
