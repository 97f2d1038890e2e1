/** The texts that V8 runs for a cell and for the files that it imports, and the way back from stack frames to the user's. */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { TRACK } from './guard';
import type { Position, SourceMaps } from './source-maps';

/** A place in a cell, or in a file beside the notebook. */
export interface Place extends Position {
  /** `cell [3]`, as in `In [3]`, or the file's name. */
  name: string;
  /** The text of the cell or file. */
  code: string;
}

interface Registered {
  name: string;
  code: string;
  compiled: string;
  /** Lines before the compiled text, in what V8 sees. */
  header: number;
  /** Lines before the user's text, in what the compiler sees. */
  prefix: number;
}

const CELL = 'hyperion-cell-';
const FRAME = /([^\s(]+):(\d+):(\d+)\)?$/;
const KEPT = 2000;

export class CellCode {
  private readonly scripts = new Map<string, Registered>();

  constructor(private readonly maps: SourceMaps) {}

  /** Wraps the compiled text of execution `id`: on lines of its own, under a name that its stack frames carry. */
  wrap(id: number, name: string, code: string, compiled: string, isAsync: boolean): string {
    // The executor's function header and ours are the first line; tslab reads cells behind `export {};`.
    this.register(`${CELL}${id}`, { name, code, compiled, header: 1, prefix: 1 });
    const body = isAsync ? `return ${TRACK}((async () => {\n${compiled}\n})());` : `\n${compiled}`;
    return `${body}\n//# sourceURL=${CELL}${id}`;
  }

  /** A file that a cell imports was compiled; `script` is the name under which it runs. */
  addFile(script: string, compiled: string): void {
    const base = script.replace(/\.js$/, '');
    const file = ['.ts', '.tsx', '.js', '.jsx'].map((extension) => base + extension).find(existsSync);
    if (file === undefined) return;
    const [name, code] = [relative(process.cwd(), file), readFileSync(file, 'utf8')];
    this.register(script, { name, code, compiled, header: 0, prefix: 0 });
  }

  /** The place of a stack frame (its text); null for a frame that shows no line of the user; undefined for other scripts. */
  place(frame: string): Place | null | undefined {
    const [, script = '', line, column] = FRAME.exec(frame) ?? [];
    const registered = this.scripts.get(script);
    if (registered === undefined) return script.startsWith(CELL) ? null : undefined;
    const { name, code, compiled, header, prefix } = registered;
    const position = { line: Number(line) - header, column: Number(column) };
    const original = position.line > 0 ? this.maps.original(compiled, position) : undefined;
    if (original === undefined || original.line <= prefix) return null;
    return { name, code, line: original.line - prefix, column: original.column };
  }

  private register(script: string, registered: Registered): void {
    this.scripts.set(script, registered);
    if (this.scripts.size > KEPT) this.scripts.delete(this.scripts.keys().next().value!);
  }
}
