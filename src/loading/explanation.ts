/** Why loading is as it is: what stays, what streams, and what the time goes to, from what was measured so far. */
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import type { NativeLoading, Policy } from '../native';
import { formatBytes, formatCount, formatDuration } from '../units';
import { type LoaderLayer, layerTable } from './layers';
import type { LoadingStatistics } from './statistics';

/** Sizes in bytes. */
export interface LoadingFacts extends Omit<NativeLoading, 'layers'> {
  /** 'session' or 'loader' */
  readonly what: string;
  readonly policy: Policy;
  /** Infinity when there is no limit */
  readonly budgetBytes: number;
  readonly layers: readonly LoaderLayer[];
  readonly statistics: LoadingStatistics;
}

/** What bounds a pass; 'unknown' until something was read and computed. */
export type Bound = 'nothing is read' | 'reading' | 'computing' | 'unknown';

/** An answer of `explain()`; its figures are there to be used, its text to be read. */
export class Explanation {
  /** bytes of weights that stay from pass to pass */
  readonly staysBytes: number;
  /** bytes that a pass reads */
  readonly streamsBytes: number;
  /** how long a pass reads them at the measured bandwidth, in milliseconds; null before that */
  readonly readMs: number | null;
  /** how long a pass computes, in milliseconds; null before something computed */
  readonly computeMs: number | null;
  readonly bound: Bound;

  /** Explanations come from `loader.explain()` and `session.loader.explain()`. */
  constructor(readonly facts: LoadingFacts) {
    const { layers, neededBytes, parts, statistics } = facts;
    const { bandwidth, computeMs, hits, stalls } = statistics;
    const stays = layers.reduce((sum, { staysBytes }) => sum + staysBytes, 0);
    this.staysBytes = Math.min(stays, neededBytes);
    this.streamsBytes = neededBytes - this.staysBytes;
    const passes = parts > 0 ? (hits + stalls) / parts : 0;
    this.readMs = bandwidth > 0 ? (1000 * this.streamsBytes) / bandwidth : null;
    this.computeMs = passes > 0 ? computeMs / passes : null;
    this.bound = this.#bound();
  }

  /** What it says, as questions and answers. */
  get sentences(): readonly (readonly [question: string, answer: string])[] {
    const { budgetBytes, roomBytes, neededBytes, policy, ringBytes, window, largestPartBytes, what } =
      this.facts;
    if (roomBytes === 0) return [['plan', `the ${what} chooses what stays when it loads for the first time`]];
    const share = neededBytes > 0 ? Math.round((100 * this.staysBytes) / neededBytes) : 100;
    const room = Number.isFinite(budgetBytes)
      ? `${formatBytes(budgetBytes)}, of which ${formatBytes(Math.min(roomBytes, budgetBytes))} are for weights`
      : 'none';
    const streams =
      this.streamsBytes === 0
        ? 'nothing: all is read once'
        : `${formatBytes(this.streamsBytes)} in each pass, through ${formatBytes(ringBytes)}: room for ${window + 1} of ` +
          `${formatBytes(largestPartBytes)} at most`;
    return [
      ['budget', room],
      ['stays', `${formatBytes(this.staysBytes)} of ${formatBytes(neededBytes)}, ${share}% (${WHY[policy]})`],
      ['streams', streams],
      ['read ahead', window === 0 ? 'nothing' : `${formatCount(window)} at most while one computes`],
      ['measured', this.#measured()],
      ['limit', this.#limit()],
    ];
  }

  toString(): string {
    const width = Math.max(...this.sentences.map(([question]) => question.length));
    const lines = this.sentences.map(([question, answer]) => `${question.padEnd(width)}  ${answer}`);
    return `${lines.join('\n')}\n\n${layerTable(this.facts.layers)}`;
  }

  [jupyterDisplay](): MimeBundle {
    const answers = new Table([{ label: 'loading' }, { label: `of a ${this.facts.what}` }], this.sentences);
    const html = `${answers.toHTML()}<br>${layerTable(this.facts.layers).toHTML()}`;
    return { 'text/html': html, 'text/plain': this.toString() };
  }

  #bound(): Bound {
    if (this.facts.roomBytes > 0 && this.streamsBytes === 0) return 'nothing is read';
    if (this.readMs === null || this.computeMs === null) return 'unknown';
    return this.readMs > this.computeMs ? 'reading' : 'computing';
  }

  #measured(): string {
    const { bandwidth, overlap, io } = this.facts.statistics;
    const reading =
      bandwidth === 0
        ? 'nothing was read yet'
        : `${formatBytes(bandwidth)}/s (${io}), ${Math.round(100 * overlap)}% of the reading while something computed`;
    const computing =
      this.computeMs === null
        ? 'nothing computed yet'
        : `${formatDuration(this.computeMs)} of computing in a pass`;
    return `${reading}; ${computing}`;
  }

  #limit(): string {
    if (this.bound === 'nothing is read') return 'computing: everything stays';
    if (this.bound === 'unknown') return 'not known before a pass';
    const [read, compute] = [formatDuration(this.readMs!), formatDuration(this.computeMs!)];
    return this.bound === 'reading'
      ? `reading: ${read} for what streams against ${compute} of computing; a larger budget reads less`
      : `computing: ${compute} against ${read} of reading, which goes on meanwhile`;
  }
}

const WHY: Readonly<Record<Policy, string>> = {
  cyclic: 'chosen in advance, spread evenly over the pass, so that reading goes on all the way',
  lru: 'the least recently used gives way, so of a pass that does not fit nothing stays',
  mfu: 'the most frequently used gives way, when room is needed',
  fifo: 'the one that was loaded first gives way, so of a pass that does not fit nothing stays',
  priority: 'the lowest priority gives way, when room is needed',
};
