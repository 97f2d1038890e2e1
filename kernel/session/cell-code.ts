/** The text that V8 runs for a cell, and the way back from its stack frames to the cell. */
import { TRACK } from './guard';
import type { Position, SourceMaps } from './source-maps';

/** A place in a notebook. */
export interface Place extends Position {
  /** The number of the cell, as in `In [3]`. */
  label: number;
  /** The text of the cell. */
  code: string;
}

interface Registered {
  label: number;
  code: string;
  compiled: string;
}

// tslab reads cells behind one line of its own, `export {};`.
const PREFIX_LINES = 1;
// The executor's function header and ours are the first line that V8 sees.
const HEADER_LINES = 1;
const FRAME = /hyperion-cell-(\d+):(\d+):(\d+)/;
const KEPT = 2000;

export class CellCode {
  private readonly cells = new Map<number, Registered>();

  constructor(private readonly maps: SourceMaps) {}

  /** Wraps the compiled text of execution `id`: on lines of its own, under a name that its stack frames carry. */
  wrap(id: number, label: number, code: string, compiled: string, isAsync: boolean): string {
    this.cells.set(id, { label, code, compiled });
    if (this.cells.size > KEPT) this.cells.delete(this.cells.keys().next().value!);
    const body = isAsync ? `return ${TRACK}((async () => {\n${compiled}\n})());` : `\n${compiled}`;
    return `${body}\n//# sourceURL=hyperion-cell-${id}`;
  }

  /** The place of a stack frame (its text); null for a frame of a cell that shows no line of it; undefined for other frames. */
  place(frame: string): Place | null | undefined {
    const match = FRAME.exec(frame);
    if (match === null) return undefined;
    const [id, line, column] = match.slice(1).map(Number) as [number, number, number];
    const cell = this.cells.get(id);
    if (cell === undefined || line <= HEADER_LINES) return null;
    const original = this.maps.original(cell.compiled, { line: line - HEADER_LINES, column });
    if (original === undefined || original.line <= PREFIX_LINES) return null;
    return {
      label: cell.label,
      code: cell.code,
      line: original.line - PREFIX_LINES,
      column: original.column,
    };
  }
}
