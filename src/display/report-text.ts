/** A report for a terminal or a log: plain text in aligned columns. */
import { printable } from './mime';
import type { Advice, MemoryReport } from './report';
import { boundReport } from './report-bound';
import { type ReportSection, sectionsOf } from './report-sections';
import { Table } from './table';
import { oneLine } from './wording';

/**
 * The report as text, section by section; figures are put in words.
 *
 * @example
 * ```ts
 * reportText(emptyReport('Memory of manpage')).split('\n')[0]; // 'Memory of manpage'
 * ```
 */
export function reportText(report: MemoryReport): string {
  const bound = boundReport(report);
  const head = [oneLine(bound.title), oneLine(bound.createdAt)].join('\n');
  return printable(`${[head, ...sectionsOf(bound).map(sectionText)].join('\n\n')}\n`);
}

function sectionText({ advice, facts, figures, note, table, title }: ReportSection): string {
  const facted =
    facts &&
    new Table(
      ['', { label: '', align: 'right' }],
      facts.map(({ label, text }) => [label, text]),
    );
  return [
    title,
    '-'.repeat(title.length),
    ...(facted ? String(facted).split('\n').slice(1) : []),
    ...(advice ?? []).flatMap(adviceLines),
    ...(table ? [String(table)] : []),
    ...(figures ?? []).map((figure) => oneLine(String(figure))),
    ...(note ? [note] : []),
  ].join('\n');
}

function adviceLines({ title, because, change }: Advice, index: number): string[] {
  const number = `${index + 1}. `;
  const indent = ' '.repeat(number.length);
  return [
    number + oneLine(title),
    `${indent}Because: ${oneLine(because)}`,
    `${indent}Change: ${oneLine(change)}`,
  ];
}
