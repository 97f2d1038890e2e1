/** The comparison of allocators: every workload and every peer in turns, several times. */
import { measureJavaScript } from './memory-javascript';
import { type Row, runProgram } from './memory-program';
import { SUBJECTS, SYSTEM_MALLOC, type Target, type Workload } from './memory-subjects';
import { findPeers, type Peer } from './peers';
import { type Spread, spread } from './spread';

export interface MemoryOptions {
  /** how often each is measured */
  readonly repeat: number;
  /** operations of a measurement, which is itself the best of five */
  readonly operations: number;
  readonly signal: AbortSignal;
  /** called with the runs that are done and those in all */
  readonly onProgress?: (done: number, total: number) => void;
}

/** One subject by one measure. */
export interface Measurement {
  readonly workload: Workload;
  readonly subject: string;
  readonly measure: string;
  /** nanoseconds for an operation, or bytes for a byte */
  readonly unit: Row['unit'];
  /** over the runs */
  readonly value: Spread;
  /** value / the peer's, of the medians, for each peer that was there; none for peers themselves */
  readonly ratios: Readonly<Record<string, number>>;
  readonly target: Target | null;
}

export interface MemoryResult extends Pick<MemoryOptions, 'repeat' | 'operations'> {
  readonly peers: readonly Peer[];
  readonly measurements: readonly Measurement[];
}

type WorkloadRow = Row & { readonly workload: Workload };

interface Run {
  readonly workload: Workload;
  readonly perform: () => Promise<readonly Row[]> | readonly Row[];
}

/**
 * Measures in turns, so that what else the machine does meets all alike.
 *
 * @throws HyperionError `IO` when the program is not built, `UNSUPPORTED` when a peer cannot be preloaded, `CANCELLED`
 */
export async function compareMemory(options: MemoryOptions): Promise<MemoryResult> {
  const { repeat, operations, onProgress } = options;
  const peers = findPeers();
  const runs = runsOf(peers, options);
  const rows: WorkloadRow[] = [];
  for (let done = 0; done < repeat * runs.length; done += 1) {
    onProgress?.(done, repeat * runs.length);
    const { workload, perform } = runs[done % runs.length]!;
    rows.push(...(await perform()).map((row) => ({ ...row, workload })));
  }
  const summaries = groupsOf(rows).map(summarize);
  return { repeat, operations, peers, measurements: summaries.map((one) => compare(one, summaries)) };
}

function runsOf(peers: readonly Peer[], { operations, signal }: MemoryOptions): Run[] {
  const own = (workload: Workload): Run => ({
    workload,
    perform: () => runProgram(workload, { operations, signal }),
  });
  const general = (name: string, preload?: string): Run => ({
    workload: 'general',
    perform: async () => {
      const rows = await runProgram('general', { operations, signal, preload });
      return rows.map((row) => ({ ...row, subject: name }));
    },
  });
  return [
    own('pool'),
    own('threads'),
    own('tracking'),
    own('dynamic'),
    general(SYSTEM_MALLOC),
    ...peers.flatMap(({ name, library }) => (library ? [general(name, library)] : [])),
    { workload: 'javascript', perform: () => measureJavaScript(operations) },
  ];
}

type Summary = Omit<Measurement, 'ratios' | 'target'>;

/** Rows of the same thing, in the order in which it was first measured. */
function groupsOf(rows: readonly WorkloadRow[]): WorkloadRow[][] {
  const groups = new Map<string, WorkloadRow[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.workload, row.subject, row.measure]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}

function summarize(rows: readonly WorkloadRow[]): Summary {
  const { workload, subject, measure, unit } = rows[0]!;
  // Threads take least where they happen not to run at the same time.
  const figure = workload === 'threads' ? 'median' : 'least';
  return { workload, subject, measure, unit, value: spread(rows.map((row) => row[figure])) };
}

function compare(one: Summary, all: readonly Summary[]): Measurement {
  const own = SUBJECTS.find(({ workload, subject }) => workload === one.workload && subject === one.subject);
  const peers = all.filter(
    ({ workload, subject, measure }) =>
      workload === own?.against && measure === one.measure && own.peers.includes(subject),
  );
  const ratios = peers.map(({ subject, value }) => [subject, one.value.median / value.median] as const);
  return { ...one, ratios: Object.fromEntries(ratios), target: own?.targets[one.measure] ?? null };
}
