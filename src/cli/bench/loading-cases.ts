/** The cases of `hyperion bench loading`: which file, under which budget, in which ways, and what has to come of it. */
import type { Model } from '../../inference/model';
import type { ChildOptions } from './loading-child';
import type { LoadingPeer } from './loading-peers';
import type { OwnWay } from './loading-run';
import type { GgufSampleType } from './model-gguf';

export type SampleType = 'f16' | 'q8_0' | 'q4_0';
export type PeerName = LoadingPeer['name'];
export type WayName = OwnWay | PeerName;

/** What is measured; the first way is ours, and the others are beside it. */
export interface CaseDescription {
  readonly name: string;
  readonly type: SampleType;
  /** the budget as a share of the file; null for none, when all fits */
  readonly share: number | null;
  readonly ways: readonly [OwnWay, ...WayName[]];
  /** how many times the tokens that are asked for are measured, where a pass is short. Default 1. */
  readonly timesTokens?: number;
  /** runs of each way in a round: more where a small difference counts. Default 1. */
  readonly runs?: number;
  readonly goal: Goal;
}

/** What the first way must reach at least. */
export interface Goal {
  /** of the limit that disk and memory set */
  readonly ofLimit?: number;
  /** of the fastest of the other ways */
  readonly ofOthers?: number;
}

/** A case with the model that it is measured on. */
export interface LoadingCase {
  readonly name: string;
  readonly model: Model;
  /** the same shape and type for peers that read no GGUF; there where one of the ways needs it */
  readonly safetensors?: Model | undefined;
  /** bytes; null for no limit */
  readonly budget: number | null;
  readonly ways: readonly WayName[];
  /** passes that are measured in each run */
  readonly tokens: number;
  /** of each way in a round */
  readonly runs: number;
  readonly goal: Goal;
}

export interface LoadingOptions extends Pick<ChildOptions, 'threads' | 'promptTokens'> {
  /** rounds of all cases */
  readonly repeat: number;
  readonly peers: readonly LoadingPeer[];
  readonly signal: AbortSignal;
  /** called with the measurements that are done and those in all */
  readonly onProgress?: (done: number, total: number) => void;
}

export const GGUF_TYPES: Readonly<Record<SampleType, GgufSampleType>> = {
  f16: 'F16',
  q8_0: 'Q8_0',
  q4_0: 'Q4_0',
};

const streamed = (
  type: SampleType,
  percent: number,
  goal: Goal,
  peers: readonly PeerName[] = ['llama.cpp'],
): CaseDescription => ({
  ...{ name: `${type}-${percent}`, type, share: percent / 100 },
  ways: ['streamed', ...peers],
  goal,
});

export const CASES: readonly CaseDescription[] = [
  streamed('f16', 25, { ofLimit: 0.85 }),
  streamed('f16', 50, { ofLimit: 0.85 }, ['llama.cpp', 'accelerate']),
  streamed('f16', 75, { ofLimit: 0.85 }),
  streamed('q8_0', 50, { ofLimit: 0.85, ofOthers: 3 }),
  streamed('q4_0', 25, { ofLimit: 0.85, ofOthers: 1.7 }, ['llama.cpp', 'ik_llama.cpp']),
  streamed('q4_0', 50, { ofLimit: 0.85, ofOthers: 2.4 }, ['llama.cpp', 'ik_llama.cpp']),
  { name: 'batch', type: 'f16', share: 0.5, ways: ['batch', 'streamed'], goal: { ofOthers: 6 } },
  {
    ...{ name: 'fits', type: 'f16', share: null, ways: ['streamed', 'preloaded'], timesTokens: 8, runs: 4 },
    goal: { ofOthers: 0.97 },
  },
];
