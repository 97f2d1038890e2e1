/** What was executed in this session, in memory. */
import type { Json } from '../wire/message';

interface Entry {
  line: number;
  input: string;
  output?: string;
}

// The number of this session: earlier ones are not kept.
const SESSION = 1;
const MAX_ENTRIES = 10_000;

export class History {
  private readonly entries: Entry[] = [];

  add(line: number, input: string): void {
    this.entries.push({ line, input });
    if (this.entries.length > MAX_ENTRIES) this.entries.shift();
  }

  /** The text of the result of cell `line`. */
  setOutput(line: number, output: string): void {
    const entry = this.entries.findLast((candidate) => candidate.line === line);
    if (entry) entry.output = output;
  }

  /** Answers a history_request: `tail`, `range` or `search`, as rows [session, line, input or [input, output]]. */
  answer(request: Json): unknown[] {
    const row = ({ line, input, output }: Entry) => [
      SESSION,
      line,
      request.output === true ? [input, output ?? null] : input,
    ];
    return this.select(request).map(row);
  }

  private select(request: Json): Entry[] {
    const count = typeof request.n === 'number' && request.n > 0 ? request.n : MAX_ENTRIES;
    switch (request.hist_access_type) {
      case 'range':
        return this.range(request);
      case 'search': {
        const pattern = globPattern(String(request.pattern ?? '*'));
        const found = this.entries.filter(({ input }) => pattern.test(input));
        return (request.unique === true ? latestOfEach(found) : found).slice(-count);
      }
      default:
        return this.entries.slice(-count);
    }
  }

  private range({ session = 0, start = 0, stop }: Json): Entry[] {
    // 0 is the current session, as in IPython.
    if (session !== 0 && session !== SESSION) return [];
    const end = typeof stop === 'number' ? stop : Number.POSITIVE_INFINITY;
    return this.entries.filter(({ line }) => line >= Number(start) && line < end);
  }
}

/** A glob with `*` and `?` over the whole text. */
export function globPattern(glob: string): RegExp {
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
}

function latestOfEach(entries: Entry[]): Entry[] {
  return entries.filter(
    ({ input }, index) => entries.findLastIndex((entry) => entry.input === input) === index,
  );
}
