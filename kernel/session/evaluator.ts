/** Runs the code of cells through tslab and reports what came of it: a value, a thrown error, or diagnostics. */
import type { CompletionInfo, Converter, ConvertResult, Diagnostic } from 'tslab/dist/converter';
import type { Executor } from 'tslab/dist/executor';
import type { StopFlag } from '../wire/stop-flag';
import { type Cell, currentCell } from './cell';
import { CellCode } from './cell-code';
import { createConverter, createExecutor, PACKAGE_NAME, sourceMaps } from './compiler';
import { declaredNames, hasTopLevelForAwait, selectDeclarations } from './declarations';
import { CHECK, STOP, TRACK } from './guard';
import type { Interrupts } from './interrupts';

export type Outcome =
  | { kind: 'done' }
  | { kind: 'value'; value: unknown }
  | { kind: 'thrown'; error: unknown }
  | { kind: 'diagnostics'; diagnostics: readonly Diagnostic[] };

type QuickInfo = ReturnType<Executor['inspect']>;

export class Evaluator {
  readonly cells = new CellCode(sourceMaps);
  private readonly executor: Executor;
  private readonly converter: Converter;
  /** The declarations that the next cell sees. tslab's executor keeps its own, which are not used. */
  private declarations = '';
  private run: { cell: Cell; outcome: Outcome; converted?: ConvertResult } | undefined;

  constructor(interrupts: Interrupts, stop: StopFlag) {
    publishGlobals({
      [STOP]: stop.cells,
      [CHECK]: () => interrupts.check(),
      [TRACK]: (body: Promise<unknown>) => interrupts.track(body),
    });
    this.converter = createConverter();
    const node: Converter = {
      ...this.converter,
      convert: (_, code) => this.convert(code),
      addModule: (...module) => this.found(this.converter.addModule(...module)),
    };
    // The executor reports through this console: a last value, diagnostics (with a format), or an error.
    const console = {
      log: (value: unknown) => this.report({ kind: 'value', value }),
      error: (error: unknown, ...format: unknown[]) => {
        if (format.length === 0) this.report({ kind: 'thrown', error });
      },
    };
    this.executor = createExecutor(process.cwd(), { node, browser: node, close: () => {} }, console);
  }

  /** Runs `code` as part of `cell`; one at a time. Never rejects. */
  async evaluate(code: string, cell: Cell): Promise<Outcome> {
    const run: NonNullable<typeof this.run> = { cell, outcome: { kind: 'done' } };
    this.run = run;
    const before = { ...this.executor.locals };
    const release = this.breakAwaits(cell);
    try {
      await currentCell.run(cell, () => this.executor.execute(code));
    } catch (error) {
      run.outcome = { kind: 'thrown', error };
    } finally {
      release();
    }
    if (isBrokenBySignal(run.outcome)) cell.interrupt();
    if (cell.interrupted) run.outcome = { kind: 'thrown', error: cell.abort.signal.reason };
    this.keepDeclarations(run, code, before);
    return run.outcome;
  }

  /** Completions at `position`, in UTF-16 units. */
  complete(code: string, position: number): CompletionInfo {
    return this.converter.complete(this.declarations, code, position);
  }

  /** What is known of the name at `position`, in UTF-16 units. */
  inspect(code: string, position: number): QuickInfo | undefined {
    return this.converter.inspect(this.declarations, code, position);
  }

  private convert(code: string): ConvertResult {
    const converted = this.convertNamed(code);
    this.found(converted.diagnostics);
    const { run } = this;
    if (run === undefined || !converted.output) return converted;
    run.converted = converted;
    for (const { path, data } of converted.sideOutputs ?? []) this.cells.addFile(path, data);
    const isAsync = converted.hasToplevelAwait || hasTopLevelForAwait(code);
    const output = this.cells.wrap(run.cell.id, run.cell.name, code, converted.output, isAsync);
    return { ...converted, output, hasToplevelAwait: isAsync };
  }

  /** Later cells see variables through declarations; where a type has no name to declare it by, the variable is `any`. */
  private convertNamed(code: string): ConvertResult {
    const converted = this.convertResolved(code);
    const { diagnostics } = converted;
    if (diagnostics.length === 0 || !diagnostics.every(isUnnameable)) return converted;
    const ends = [...new Set(diagnostics.map(({ end }) => end.offset))].sort((a, b) => b - a);
    const untyped = ends.reduce((text, end) => `${text.slice(0, end)}: any${text.slice(end)}`, code);
    const again = this.converter.convert(this.declarations, untyped);
    return again.diagnostics.length === 0 ? again : converted;
  }

  /** TypeScript remembers that a module was missing; it is asked afresh, since somebody may have installed it by now. */
  private convertResolved(code: string): ConvertResult {
    const converted = this.converter.convert(this.declarations, code);
    if (!converted.diagnostics.some((diagnostic) => diagnostic.code === CANNOT_FIND_MODULE)) return converted;
    // It forgets a name when the cell imports others.
    this.converter.inspect(this.declarations, `import '${PACKAGE_NAME}';`, 0);
    return this.converter.convert(this.declarations, code);
  }

  private found(diagnostics: Diagnostic[]): Diagnostic[] {
    if (diagnostics.length > 0) this.report({ kind: 'diagnostics', diagnostics });
    return diagnostics;
  }

  private report(outcome: Outcome): void {
    if (this.run !== undefined && this.run.outcome.kind !== 'diagnostics') this.run.outcome = outcome;
  }

  private breakAwaits(cell: Cell): () => void {
    const { signal } = cell.abort;
    const interrupt = () => this.executor.interrupt();
    signal.addEventListener('abort', interrupt);
    return () => signal.removeEventListener('abort', interrupt);
  }

  private keepDeclarations(
    run: NonNullable<typeof this.run>,
    code: string,
    before: Record<string, unknown>,
  ): void {
    const { converted, outcome } = run;
    const { locals } = this.executor;
    if (converted === undefined) return;
    const declared = converted.declOutput ?? '';
    if (outcome.kind === 'thrown') {
      const lost = new Set([...declaredNames(code)].filter((name) => locals[name] === undefined));
      for (const name of lost) if (before[name] !== undefined) locals[name] = before[name];
      this.declarations =
        selectDeclarations(this.declarations, (name) => lost.has(name) && before[name] !== undefined, false) +
        selectDeclarations(declared, (name) => !lost.has(name), true);
      return;
    }
    this.declarations = declared;
    const last = converted.lastExpressionVar;
    // The executor passes over null.
    if (last !== undefined && locals[last] === null) run.outcome = { kind: 'value', value: null };
    if (last !== undefined) delete locals[last];
  }
}

const CANNOT_FIND_MODULE = 2307;

// TypeScript's errors of declaration files: "has or is using name … but cannot be named", "has or is using private name".
function isUnnameable({ code }: Diagnostic): boolean {
  return code >= 4000 && code < 5000;
}

function isBrokenBySignal(outcome: Outcome): boolean {
  if (outcome.kind !== 'thrown') return false;
  return (outcome.error as NodeJS.ErrnoException | null)?.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED';
}

function publishGlobals(globals: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value });
}
