/** Errors as a notebook shows them: pure text, coloured by ANSI codes as Jupyter expects. */
import { inspect } from 'node:util';
import type { Diagnostic } from 'tslab/dist/converter';
import type { Place } from './cell-code';

/** The content of an `error` message. */
export interface ErrorContent extends Record<string, unknown> {
  ename: string;
  evalue: string;
  /** Lines, to be joined by newlines. */
  traceback: string[];
}

const CONTEXT = 2;
const MAX_DIAGNOSTICS = 10;
const red = (text: string) => `\u001b[31m${text}\u001b[39m`;
const bold = (text: string) => `\u001b[1m${text}\u001b[22m`;
const dim = (text: string) => `\u001b[2m${text}\u001b[22m`;

/** Any thrown value. `place` is where in a cell, if known. */
export function formatError(thrown: unknown, place?: Place): ErrorContent {
  if (!isError(thrown)) {
    const evalue = safely(() => inspect(thrown, { depth: 2 }), 'a value that cannot be shown');
    return { ename: 'Thrown', evalue, traceback: [`${bold(red('Thrown'))}: ${evalue}`] };
  }
  const ename = safely(() => String(thrown.name), 'Error') || 'Error';
  const evalue = safely(() => String(thrown.message), '');
  const traceback = [
    `${bold(red(ename))}: ${evalue}`,
    ...frames(thrown).map(dim),
    ...(place ? ['', ...excerpt(place)] : []),
    ...causes(thrown),
  ];
  return { ename, evalue, traceback };
}

/** What the TypeScript compiler says about `code`, the text of the cell `name`. */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  code: string,
  name: string,
): ErrorContent {
  const shown = diagnostics.slice(0, MAX_DIAGNOSTICS);
  const traceback = shown.flatMap(({ code: number, messageText, start, fileName }) => {
    const [line, column] = [start.line + 1, start.character + 1];
    const where = `${fileName ?? name}:${line}:${column}`;
    const lines = fileName ? [] : excerpt({ name, code, line, column }).slice(1);
    return [`${bold(red(`TS${number}`))}: ${messageText}`, dim(`    at ${where}`), ...lines, ''];
  });
  if (diagnostics.length > shown.length) traceback.push(`and ${diagnostics.length - shown.length} more`);
  const evalue = diagnostics.map(({ code: number, messageText }) => `TS${number}: ${messageText}`).join('\n');
  return { ename: 'TypeScriptError', evalue, traceback };
}

/** The line with its neighbours, marked by `>` and a caret. */
export function excerpt({ name, code, line, column }: Place): string[] {
  const lines = code.split('\n');
  const from = Math.max(1, line - CONTEXT);
  const to = Math.min(lines.length, line + CONTEXT);
  const width = String(to).length;
  const result = [dim(`${name}, line ${line}`)];
  for (let number = from; number <= to; number++) {
    const text = lines[number - 1] ?? '';
    const gutter = `${number === line ? '>' : ' '} ${String(number).padStart(width)} | `;
    result.push(number === line ? `${red(gutter)}${text}` : `${dim(gutter)}${text}`);
    if (number !== line) continue;
    // Tabs stay tabs, so that the caret is under its character at any tab width.
    const indent = text.slice(0, column - 1).replace(/[^\t]/g, ' ');
    result.push(`${dim(`  ${' '.repeat(width)} | `)}${indent}${red('^')}`);
  }
  return result;
}

function frames(error: Error): string[] {
  const stack = safely(() => String(error.stack ?? ''), '');
  return stack.split('\n').filter((line) => /^\s+at /.test(line));
}

function causes(error: Error): string[] {
  const nested = error instanceof AggregateError ? error.errors : [];
  return [...(error.cause === undefined ? [] : [error.cause]), ...nested].flatMap((cause) => [
    '',
    `Caused by: ${safely(() => (isError(cause) ? String(cause.stack ?? cause) : inspect(cause)), 'unknown')}`,
  ]);
}

// Errors of other realms (vm, workers) are no instances of this one's Error.
function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

// Getters of a thrown object are the user's code too.
function safely<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
