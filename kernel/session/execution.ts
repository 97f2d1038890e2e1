/** Carries out execute_request: runs the cell, publishes its result or its error, and makes the reply. */
import type { Json, Message } from '../wire/message';
import { type MimeBundle, richBundle, toBundle } from './bundle';
import { Cell, currentCell } from './cell';
import type { Evaluator, Outcome } from './evaluator';
import type { History } from './history';
import type { Interrupts } from './interrupts';
import type { Output } from './output';
import type { Stacks } from './stacks';
import { type ErrorContent, formatDiagnostics, formatError } from './traceback';

interface Parts {
  evaluator: Evaluator;
  interrupts: Interrupts;
  output: Output;
  stacks: Stacks;
  history: History;
}

export class Execution {
  private count = 0;
  private ids = 0;

  constructor(private readonly parts: Parts) {}

  /** Runs code before the first cell; what it prints or throws is returned as an error, shown to nobody. */
  async preload(code: string): Promise<ErrorContent | undefined> {
    const cell = new Cell(++this.ids, 0);
    return this.errorOf(await this.run(code, cell), code, cell);
  }

  /** Content of the execute_reply. */
  async execute({ header, content }: Message): Promise<Json> {
    const { output, history } = this.parts;
    const code = requireString(content, 'code');
    const silent = content.silent === true;
    const stored = !silent && content.store_history !== false;
    if (stored) history.add(++this.count, code);
    const cell = new Cell(++this.ids, this.count, header, silent);
    output.begin(cell);
    output.publish('execute_input', { code, execution_count: cell.label }, cell);
    const outcome = await this.run(code, cell);
    const error = this.errorOf(outcome, code, cell) ?? (await this.show(outcome, cell, stored));
    await this.settle(cell);
    if (error !== undefined) {
      await this.publishError(error, outcome, cell);
      return { status: 'error', execution_count: cell.label, ...error };
    }
    const expressions = await this.evaluateExpressions(content.user_expressions, cell);
    return { status: 'ok', execution_count: cell.label, payload: [], user_expressions: expressions };
  }

  private async run(code: string, cell: Cell): Promise<Outcome> {
    const { evaluator, interrupts } = this.parts;
    interrupts.begin(cell);
    try {
      return await evaluator.evaluate(code, cell);
    } finally {
      interrupts.end();
    }
  }

  /** What belongs to the cell but is not its code: displays, work that it holds. An interrupt ends it by Interrupted. */
  private async alongside<T>(cell: Cell, work: () => Promise<T>): Promise<T> {
    const { interrupts } = this.parts;
    interrupts.begin(cell);
    try {
      return await Promise.race([currentCell.run(cell, work), cell.interruption]);
    } finally {
      interrupts.end();
    }
  }

  /** Publishes the value of the last line. */
  private async show(outcome: Outcome, cell: Cell, stored: boolean): Promise<ErrorContent | undefined> {
    if (outcome.kind !== 'value' || cell.silent) return undefined;
    const { output, history } = this.parts;
    try {
      const data = await this.alongside(cell, () => toBundle(outcome.value));
      output.publish('execute_result', { execution_count: cell.label, data, metadata: {} }, cell);
      if (stored) history.setOutput(cell.label, String(data['text/plain'] ?? ''));
      return undefined;
    } catch (error) {
      return formatError(error);
    }
  }

  /** Waits for the work that the cell holds; after an interrupt, what is shown by now stays. */
  private async settle(cell: Cell): Promise<void> {
    if (cell.held.length === 0) return;
    await this.alongside(cell, () => Promise.allSettled(cell.held)).catch(() => {});
  }

  private errorOf(outcome: Outcome, code: string, { name }: Cell): ErrorContent | undefined {
    if (outcome.kind === 'diagnostics') return formatDiagnostics(outcome.diagnostics, code, name);
    if (outcome.kind === 'thrown') return formatError(outcome.error, this.parts.stacks.place(outcome.error));
    return undefined;
  }

  private async publishError(error: ErrorContent, outcome: Outcome, cell: Cell): Promise<void> {
    const { output } = this.parts;
    const rich = outcome.kind === 'thrown' ? await this.richError(outcome.error, cell) : undefined;
    if (rich) output.publish('display_data', { data: rich, metadata: {}, transient: {} }, cell);
    output.publish('error', error, cell);
  }

  private richError(error: unknown, cell: Cell): Promise<MimeBundle | undefined> {
    return this.alongside(cell, () => richBundle(error)).catch(() => undefined);
  }

  private async evaluateExpressions(expressions: unknown, { label, parent }: Cell): Promise<Json> {
    const result: Json = {};
    for (const [name, expression] of Object.entries(expressions ?? {})) {
      const code = String(expression);
      const cell = new Cell(++this.ids, label, parent);
      const outcome = await this.run(code, cell);
      const error = this.errorOf(outcome, code, cell);
      result[name] = error ? { status: 'error', ...error } : await this.expressionValue(outcome, cell);
    }
    return result;
  }

  private async expressionValue(outcome: Outcome, cell: Cell): Promise<Json> {
    const value = outcome.kind === 'value' ? outcome.value : undefined;
    try {
      return { status: 'ok', data: await this.alongside(cell, () => toBundle(value)), metadata: {} };
    } catch (error) {
      return { status: 'error', ...formatError(error) };
    }
  }
}

/** A text of the request's content. Throws a TypeError that names it. */
export function requireString(content: Json, name: string): string {
  const value = content[name];
  if (typeof value !== 'string') throw new TypeError(`the request's ${name} is not a string`);
  return value;
}

/** A count of the request's content, 0 or more. Throws a TypeError that names it. */
export function requireCount(content: Json, name: string): number {
  const value = content[name];
  if (typeof value !== 'number' || !(value >= 0))
    throw new TypeError(`the request's ${name} is not a position`);
  return value;
}
