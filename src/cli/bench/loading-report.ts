/** The comparison as tables for a reader. */
import { Table } from '../../display';
import { formatBytes } from '../../units';
import type { LoadingResult, WayResult } from './loading';
import type { Spread } from './spread';

export function loadingReport(name: string, result: LoadingResult): string {
  const { streamed, mapped, budget, threads, promptTokens, tokens, repeat } = result;
  const caption =
    `${name}, ${formatBytes(result.modelBytes)}, budget ${formatBytes(budget)}, ${threads} threads: ` +
    `${tokens} tokens after a prompt of ${promptTokens}, measured ${repeat} times`;
  const row = (label: string, way: WayResult) => [
    label,
    ...numbers(way.tokensPerSecond),
    way.bytesPerToken,
    way.residentPeakBytes,
    way.limitBytes,
  ];
  const table = new Table(
    [
      'weights',
      { label: 'tokens/s', align: 'right' },
      { label: 'min', align: 'right' },
      { label: 'max', align: 'right' },
      { label: 'read per token', unit: 'bytes' },
      { label: 'resident peak', unit: 'bytes' },
      { label: 'memory cap', unit: 'bytes' },
    ],
    [row('streamed', streamed), row('plain mmap', mapped)],
    { caption },
  );
  return `${[table.toString(), '', ...conclusions(result)].join('\n')}\n`;
}

function numbers({ median, min, max }: Spread): string[] {
  return [median, min, max].map((value) => value.toFixed(value < 10 ? 2 : 1));
}

function conclusions(result: LoadingResult): string[] {
  const { ratio, diskBytesPerSecond, diskTokensPerSecond, shareOfDisk } = result;
  const { median, min, max } = diskBytesPerSecond;
  const lines = [
    `streamed / plain mmap: ${ratio.toFixed(2)}`,
    `disk, direct reads alone: ${formatBytes(median)}/s (${formatBytes(min)} to ${formatBytes(max)})`,
  ];
  if (diskTokensPerSecond !== null && shareOfDisk !== null)
    lines.push(
      `what the disk allows for what is streamed: ${diskTokensPerSecond.toFixed(2)} tokens/s, ` +
        `of which streaming reaches ${(shareOfDisk * 100).toFixed(0)}%`,
    );
  return lines;
}
