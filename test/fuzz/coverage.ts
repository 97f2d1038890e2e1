/**
 * Which of the readers' code has run, by V8's block coverage, so that inputs which reach new code are kept and mutated further.
 * Taking it costs milliseconds: once for a batch of inputs, and for each only when the batch reached something.
 */
import { type Profiler, Session } from 'node:inspector';

/** The code whose coverage guides: the readers', and the libraries' that they hand input to. */
const GUIDING = /\/src\/(model|inference|scheduling)\/|@huggingface\/(tokenizers|gguf)/;

export class Coverage {
  readonly #session = new Session();
  /** by script and function: one mark for each character of it that has run */
  readonly #reached = new Map<string, Uint8Array>();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Whether code has run since the last look that had not before. It counts as new until `keep` is called. */
  hasNew(): boolean {
    return this.#look((marks, begin, end) => marks.subarray(begin, end).includes(0));
  }

  /** The same; what has run is known from now on. */
  keep(): boolean {
    return this.#look((marks, begin, end) => {
      const isNew = marks.subarray(begin, end).includes(0);
      marks.fill(1, begin, end);
      return isNew;
    });
  }

  close(): void {
    this.#session.disconnect();
  }

  #look(visit: (marks: Uint8Array, begin: number, end: number) => boolean): boolean {
    let found = false;
    for (const { url, functions } of this.#take())
      for (const { ranges } of functions) {
        const { startOffset, endOffset } = ranges[0]!;
        const key = `${url}:${startOffset}-${endOffset}`;
        const marks = this.#reached.get(key) ?? new Uint8Array(endOffset - startOffset);
        this.#reached.set(key, marks);
        for (const [begin, end] of runsOf(ranges)) found = visit(marks, begin, end) || found;
      }
    return found;
  }

  #take(): Profiler.ScriptCoverage[] {
    let scripts: Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (_, { result }) => {
      scripts = result.filter(({ url }) => GUIDING.test(url));
    });
    return scripts;
  }
}

/** What has run of a function, from its begin. Blocks come after those that they are within, and override them. */
function runsOf(ranges: readonly Profiler.CoverageRange[]): [number, number][] {
  const { startOffset, endOffset } = ranges[0]!;
  const ran = new Uint8Array(endOffset - startOffset);
  for (const range of ranges)
    ran.fill(range.count > 0 ? 1 : 0, range.startOffset - startOffset, range.endOffset - startOffset);
  const runs: [number, number][] = [];
  for (let begin = ran.indexOf(1); begin >= 0; ) {
    const end = ran.indexOf(0, begin);
    runs.push([begin, end < 0 ? ran.length : end]);
    begin = end < 0 ? -1 : ran.indexOf(1, end);
  }
  return runs;
}
