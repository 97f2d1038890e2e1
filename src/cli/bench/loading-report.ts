/** The measurements as tables for a reader. */
import { Table } from '../../display';
import { formatBytes } from '../../units';
import type { LoadingResult } from './loading';
import { verdictsOf } from './loading-goals';
import type { CaseResult, WayResult } from './loading-summary';
import type { Spread } from './spread';

export function loadingReport(result: LoadingResult): string {
  const { cases } = result;
  const parts = [speeds(result), bandwidths(cases), verdicts(cases), ...result.peers.map(peerNote)];
  return `${parts.join('\n')}\n`;
}

function speeds({ cases, threads, promptTokens, repeat }: LoadingResult): string {
  const caption =
    `after a prompt of ${promptTokens} tokens, ${threads} threads, rounds of all in turns: ${repeat}; median (min–max); ` +
    'budgets beside 150 MiB for the process';
  const columns = [
    'case',
    'budget',
    'way',
    { label: 'tokens', unit: 'count' },
    { label: 'tokens/s', align: 'right' },
    { label: 'of the limit', align: 'right' },
    { label: 'read in a pass', unit: 'bytes' },
    { label: 'resident growth', unit: 'bytes' },
    { label: 'group growth', unit: 'bytes' },
    { label: 'kills', unit: 'count' },
  ] as const;
  const rows = cases.flatMap((aCase) => aCase.ways.map((way, index) => speedRow(aCase, way, index === 0)));
  return `${new Table(columns, rows, { caption })}\n`;
}

function speedRow({ name, budget, fileBytes, tokens }: CaseResult, way: WayResult, isFirst: boolean) {
  const { figures, failure, kills } = way;
  const size = budget === null ? 'none' : `${formatBytes(budget)} of ${formatBytes(fileBytes)}`;
  return [
    ...(isFirst ? [name, size] : ['', '']),
    way.way,
    tokens,
    [figures ? spreadText(figures.tokensPerSecond) : '', failure ?? ''].filter(Boolean).join(', then '),
    figures?.shareOfLimit ? spreadText(figures.shareOfLimit, 100, '%') : null,
    figures?.bytesPerPass,
    figures?.residentGrowthBytes,
    figures?.groupGrowthBytes,
    kills,
  ];
}

function bandwidths(cases: readonly CaseResult[]): string {
  const rate = ({ median, min, max }: Spread) =>
    `${formatBytes(median)}/s (${formatBytes(min)}–${formatBytes(max)})`;
  const columns = ['case', 'a pass computes with', 'disk, direct reads alone', 'memory, read by all threads'];
  const rows = cases.map(({ name, passBytes, diskBytesPerSecond, memoryBytesPerSecond }) => [
    ...[name, formatBytes(passBytes)],
    ...[rate(diskBytesPerSecond), rate(memoryBytesPerSecond)],
  ]);
  const caption =
    'the limit: what a pass reads at the speed of the disk, or what it computes with at that of memory';
  return `${new Table(columns, rows, { caption })}\n`;
}

function verdicts(cases: readonly CaseResult[]): string {
  const rows = cases
    .flatMap(verdictsOf)
    .map(({ case: name, demand, measured, met }) => [
      name,
      demand,
      measured,
      met === null ? '' : met ? 'yes' : 'NO',
    ]);
  return `${new Table(['case', 'must reach', 'measured', 'reached'], rows)}\n`;
}

function peerNote({ name, what, version, install }: LoadingResult['peers'][number]): string {
  return version === null
    ? `${name} is not here, and is not compared with: ${install}`
    : `${name} ${version}: ${what}.`;
}

function spreadText({ median, min, max }: Spread, times = 1, unit = ''): string {
  const [middle, least, most] = [median, min, max].map((value) => {
    const scaled = value * times;
    return scaled.toFixed(unit || scaled >= 10 ? (unit ? 0 : 1) : 2);
  });
  return `${middle}${unit} (${least}–${most})`;
}
