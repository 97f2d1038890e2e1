/** Pure display: data in, figures, tables and MIME bundles out. Knows nothing of the engine. */
export { Figure, type PlotlySpec } from './figure';
export { memoryFigure } from './memory-figure';
export { type Displayable, isDisplayable, jupyterDisplay, type MimeBundle } from './mime';
export type { MemoryMark, MemorySample, MemoryTimeline } from './timeline';
