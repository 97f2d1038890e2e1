/** Pure display: data in, figures, tables and MIME bundles out. Knows nothing of the engine. */
export {
  type Bandwidth,
  type BandwidthLimit,
  type BandwidthWindow,
  bandwidthFigure,
} from './bandwidth-figure';
export { type Card, cardBundle, cardText } from './card';
export { type Distribution, distributionFigure } from './distribution-figure';
export { errorBundle, type ShownError } from './error';
export { Figure, type PlotlySpec } from './figure';
export { fragmentationFigure } from './fragmentation-figure';
export type { FragmentationMap, MemorySpan, SpanState } from './fragmentation-map';
export { type HeatMap, heatMapFigure } from './heat-map-figure';
export { type Histogram, type HistogramBin, histogramFigure } from './histogram-figure';
export type { LaneChart, LaneName, LaneSpan } from './lanes';
export { lanesFigure } from './lanes-figure';
export {
  type LayerResidency,
  layerResidencyFigure,
  type ResidencyWindow,
  type ResidentLayer,
} from './layer-residency-figure';
export { type LayerBytes, layerBytesFigure } from './layers-figure';
export { type LineSeries, type Lines, linesFigure } from './lines-figure';
export { memoryFigure } from './memory-figure';
export { type Displayable, isDisplayable, jupyterDisplay, type MimeBundle } from './mime';
export {
  type DisplayHandle,
  type DisplayOptions,
  display,
  fullBundle,
  type KernelHost,
  kernelHost,
} from './notebook';
export { Progress, type ProgressOptions } from './progress';
export { type Replay, type ReplayRow, replayFigure } from './replay-figure';
export {
  type Advice,
  emptyReport,
  type HolderFigures,
  type HolderMap,
  type LeakedBlock,
  type MemoryReport,
  type Misuse,
  type ProcessFigures,
  type ReportedBlock,
  type ReportList,
  type ReportTotals,
  type TagFigures,
} from './report';
export { reportHtml } from './report-html';
export { reportJson } from './report-json';
export { reportText } from './report-text';
export {
  type ResidencyCell,
  type ResidencyMap,
  type ResidencyState,
  residencyFigure,
} from './residency-figure';
export { type Cell, type Column, type ColumnUnit, Table, type TableOptions } from './table';
export type { BudgetStep, MemoryMark, MemorySample, MemoryTimeline } from './timeline';
export { type TreemapPart, treemapFigure } from './treemap-figure';
export { type UsageComparison, type UsageSample, type UsageSeries, usageFigure } from './usage-figure';
