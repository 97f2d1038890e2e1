/** The public API: everything a notebook or program uses is exported here. */
import { errorBundle, jupyterDisplay } from './display';
import { HyperionError } from './errors';

export {
  type DisplayHandle,
  type DisplayOptions,
  display,
  Figure,
  type LaneSpan,
  type LayerBytes,
  type LineSeries,
  type Lines,
  layerBytesFigure,
  linesFigure,
  type MemoryMark,
  type MemorySample,
  type MemoryTimeline,
  type MimeBundle,
  memoryFigure,
  Progress,
  type ProgressOptions,
  Table,
} from './display';
export { HyperionError, type HyperionErrorCode, type HyperionErrorDetails } from './errors';
export { listArchitectures, registerArchitecture } from './inference/architectures';
export type { Architecture } from './inference/architectures/architecture';
/** What architectures are built of, for those who register their own. */
export * as graphs from './inference/architectures/graphs';
export { type Conversion, type ConvertOptions, convert, verify } from './inference/convert';
export type { DecodingStatistics } from './inference/decoder';
export type { SessionStatistics } from './inference/engine-session';
export type { FinishReason, Generation, GenerationResult, Token } from './inference/generation';
export type { BatchToken, GenerationBatch } from './inference/generation-batch';
export type { Hidden, Pooling } from './inference/hidden';
export type { Candidate, Logits } from './inference/logits';
export { type Model, type OpenOptions, openModel } from './inference/model';
export type { BatchOptions, GenerateOptions, SessionOptions } from './inference/options';
export type { Conversation, Prompt } from './inference/prompt';
export { type ForwardOptions, type PoolingOptions, record, type Session } from './inference/session';
export type { Bound, Explanation, LoadingFacts } from './loading/explanation';
export type { LoaderLayer, LoaderLayerState } from './loading/layers';
export { type LoadOptions, type PreloadOptions, ProgressiveLoader } from './loading/loader';
export type { LoadingView } from './loading/loading-view';
export type { LoaderOptions } from './loading/options';
export type { PinnedLayer, PinnedTensor } from './loading/pinned-layer';
export type { LoadingStatistics } from './loading/statistics';
export {
  Allocator,
  type FailureCallback,
  type RefusedRequest,
} from './memory/allocator';
export type { Block } from './memory/block';
export type { BlockOptions } from './memory/block-options';
export { type BudgetGroup, createBudgetGroup, type GroupMember } from './memory/budget-group';
export type { Counters } from './memory/counters';
export { type AllocatorConfig, createAllocator } from './memory/create';
export type { Bin, Optimization } from './memory/optimization';
export { createPool, type Pool, type PoolConfig } from './memory/pool';
export { type Replay, type ReplayOptions, type ReplayRow, replay } from './memory/replay';
export type { AllocatorStats } from './memory/stats';
export {
  type DynamicConfig,
  type HybridConfig,
  type PooledConfig,
  STRATEGIES,
  type StaticConfig,
  type StrategyConfig,
  type StrategyName,
} from './memory/strategy';
export { AllocationTrace } from './memory/trace';
export { plotUsage } from './memory/usage';
export { AccessPattern, type PatternKind } from './model/cache/access-pattern';
export { AdaptivePolicy } from './model/cache/adaptive-policy';
export { type CachingComparison, type CachingRow, compareCaching } from './model/cache/comparison';
export type { Layer, LayerState } from './model/cache/layer';
export type { CacheOptions } from './model/cache/options';
export type { EvictionPolicy } from './model/cache/policy';
export type { CacheStatistics } from './model/cache/tensor-cache';
export type { TensorInfo } from './model/checkpoint';
export type { Dtype } from './model/dtypes';
export { type PulledModel, type PullOptions, pull } from './model/hub/pull';
export type { Residency, TensorResidency } from './model/residency';
export { type SampleOptions, writeSample } from './model/sample/write';
export type { TensorStatistics, ValueBin } from './model/statistics';
export type { StatisticsOptions, Tensor } from './model/tensor';
export type { TensorView } from './model/tensor-view';
export type { EncodeOptions, Tokenizer } from './model/tokenizer';
export type { ChatMessage, ChatOptions } from './model/tokenizer-chat';
export {
  type BytesByTag,
  type ProcessMemory,
  processMemory,
  resetResidentPeak,
  type SessionMemory,
} from './monitoring/counters';
export { type DataFrame, toDataFrame } from './monitoring/data-frame';
export { clearLeaks, type Leak, type Leaks, leaks } from './monitoring/leaks';
export type { Mapping, Mappings, MappingsOptions } from './monitoring/mappings';
export { type MemorySpeedOptions, measureMemory } from './monitoring/memory-speed';
export { type MemoryStats, memoryStats } from './monitoring/memory-stats';
export type { MemoryPressure, Stalls } from './monitoring/pressure';
export type { ProcessGroup } from './monitoring/process-group';
export { type ProcessView, processView } from './monitoring/process-view';
export type { BandwidthOptions, LaneOptions, Recording, RecordOptions } from './monitoring/recording';
export { type MemoryReport, memoryReport } from './monitoring/report';
export { diff, type Snapshot, type SnapshotDiff, snapshot } from './monitoring/snapshot';
export { enableMemoryTracking, type Misuse, type TrackingOptions } from './monitoring/tracking';
export type { LayerKind, MemoryTag } from './native';
export { version } from './root';
export type { Plan } from './scheduling/plan';
export { formatBytes, formatCount, formatDuration, parseSize } from './units';

// An error belongs to every layer and display to none below, so they meet here: a notebook shows an error richly.
Object.defineProperty(HyperionError.prototype, jupyterDisplay, {
  value(this: HyperionError) {
    return errorBundle(this);
  },
});
