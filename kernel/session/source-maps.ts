/** From positions in what V8 runs back to the user's lines: two maps, one per stage of the compilation. */
import { SourceMap, type SourceMapPayload } from 'node:module';

// A session keeps the maps of so many compiled texts; older frames then show where they are in the compiled text.
const KEPT = 2000;
const COMMENT = /\n?\/\/# sourceMappingURL=(\S*)\s*$/;
const INLINE = 'data:application/json;base64,';

/** A position as people count it, from 1. */
export interface Position {
  line: number;
  column: number;
}

export class SourceMaps {
  private readonly stages = new Map<string, (SourceMap | string)[]>();

  /** Separates a text from the comment at its end that names or holds its source map. */
  static split(text: string): [code: string, map: string | undefined] {
    const url = COMMENT.exec(text)?.[1];
    if (url === undefined) return [text, undefined];
    const map = url.startsWith(INLINE)
      ? Buffer.from(url.slice(INLINE.length), 'base64').toString()
      : undefined;
    return [text.replace(COMMENT, ''), map];
  }

  /** Keeps the maps of a compiled text, in order of the stages. */
  remember(compiled: string, maps: readonly (string | undefined)[]): void {
    this.stages.set(
      compiled,
      maps.filter((map) => map !== undefined),
    );
    if (this.stages.size > KEPT) this.stages.delete(this.stages.keys().next().value!);
  }

  /** Where a position of the compiled text comes from; undefined for code that the compiler added. */
  original(compiled: string, position: Position): Position | undefined {
    const stages = this.stages.get(compiled) ?? [];
    let found: Position | undefined = position;
    for (let stage = stages.length - 1; stage >= 0 && found !== undefined; stage--) {
      found = lookUp(parsed(stages, stage), found);
    }
    return found;
  }
}

function parsed(stages: (SourceMap | string)[], stage: number): SourceMap {
  const map = stages[stage]!;
  if (typeof map !== 'string') return map;
  const result = new SourceMap(JSON.parse(map) as SourceMapPayload);
  stages[stage] = result;
  return result;
}

function lookUp(map: SourceMap, { line, column }: Position): Position | undefined {
  const entry = map.findEntry(line - 1, column - 1);
  if (!('originalLine' in entry) || entry.generatedLine !== line - 1) return undefined;
  return { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}
