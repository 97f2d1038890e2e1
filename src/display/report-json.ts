/** A report for programs. */
import type { MemoryReport } from './report';
import { boundReport } from './report-bound';

/**
 * The report as JSON with the names of `MemoryReport`; long lists are cut and `omitted` says by how many entries.
 *
 * @example
 * ```ts
 * JSON.parse(reportJson(emptyReport('Memory'))).title; // 'Memory'
 * ```
 */
export function reportJson(report: MemoryReport): string {
  return JSON.stringify(boundReport(report), null, 2);
}
