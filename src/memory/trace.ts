/** Traces: every block that was taken and given back, in order, to be kept in a file and replayed. */
import { readFile } from 'node:fs/promises';
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import { HyperionError } from '../errors';
import { ioError, writeWhole } from '../io';
import { type NativeAllocatorConfig, type NativeTrace, TRACE_FIELDS, TRACE_KINDS } from '../native';
import { formatCount } from '../units';
import { rowsOf } from './rows';
import { tagName, tagNumber } from './tags';

const FORMAT = 'hyperion-trace';
const VERSION = 1;
/** where the tag stands in a row */
const TAG = 5;

/** The first line of a trace's file; each further line is an event, an array of numbers. */
interface Header {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly name: string;
  readonly config: NativeAllocatorConfig;
  /** names of the tags, by the number that stands for them in the events */
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * A trace of an allocator, a pool or a session.
 *
 * @example
 * ```ts
 * using allocator = createAllocator({ strategy: 'pooled' });
 * allocator.startTrace();
 * allocator.free(allocator.allocate(1000));
 * const trace = allocator.stopTrace();
 * trace.length; // 2
 * ```
 */
export class AllocationTrace {
  /** Traces come from `stopTrace()` and `AllocationTrace.load()`. */
  constructor(
    /** what was traced */
    readonly name: string,
    /** the strategy and the limits that it ran under */
    readonly config: NativeAllocatorConfig,
    /** rows of native.ts's TRACE_FIELDS */
    readonly events: Float64Array,
  ) {}

  /** @throws HyperionError `OUT_OF_MEMORY` when events were lost: a trace with holes predicts nothing */
  static of(name: string, config: NativeAllocatorConfig, { events, lost }: NativeTrace): AllocationTrace {
    if (lost === 0) return new AllocationTrace(name, config, events);
    throw new HyperionError(
      'OUT_OF_MEMORY',
      `the trace of ${name} is full: ${formatCount(lost)} events came after the ${formatCount(events.length / TRACE_FIELDS)} that are kept; trace less at a time`,
      { lost },
    );
  }

  /**
   * Reads a trace that was saved.
   *
   * @throws HyperionError `IO`, `BAD_FORMAT` for a file that is no trace
   */
  static async load(path: string): Promise<AllocationTrace> {
    const text = await readFile(path, 'utf8').catch((error) => {
      throw ioError(path, error);
    });
    const [first = '', ...lines] = text.trimEnd().split('\n');
    const header = parseLine(path, 1, first) as Partial<Header> | null;
    if (header?.format !== FORMAT || header.version !== VERSION || !header.config?.source)
      throw new HyperionError('BAD_FORMAT', `${path} is not a trace of format ${FORMAT} ${VERSION}`);
    const events = new Float64Array(lines.length * TRACE_FIELDS);
    lines.forEach((line, index) => {
      const row = readRow(path, index + 2, line);
      row[TAG] = tagNumber(header.tags?.[row[TAG]!] ?? 'untagged');
      events.set(row, index * TRACE_FIELDS);
    });
    const config = {
      ...header.config,
      budget: header.config.budget ?? Number.POSITIVE_INFINITY,
      limit: header.config.limit ?? Number.POSITIVE_INFINITY,
    };
    return new AllocationTrace(String(header.name), config, events);
  }

  /** How many events it has. */
  get length(): number {
    return this.events.length / TRACE_FIELDS;
  }

  /**
   * Writes it to a file, a line of JSON for each event. A file that is there already is replaced when the new one is whole.
   *
   * @throws HyperionError `IO`
   */
  async save(path: string): Promise<void> {
    const rows = rowsOf(this.events, TRACE_FIELDS);
    const tags = Object.fromEntries(
      [...new Set(rows.map((row) => row[TAG]!))].map((tag) => [tag, tagName(tag)]),
    );
    // Infinity is null in JSON, and read back as no limit.
    const header: Header = { format: FORMAT, version: VERSION, name: this.name, config: this.config, tags };
    await writeWhole(path, `${[header, ...rows].map((line) => JSON.stringify(line)).join('\n')}\n`);
  }

  table(): Table {
    const rows = rowsOf(this.events, TRACE_FIELDS);
    const start = rows[0]?.[0] ?? 0;
    return new Table(
      [
        { label: 'time', unit: 'duration' },
        'event',
        { label: 'block', unit: 'count' },
        { label: 'size', unit: 'bytes' },
        'tag',
      ],
      rows.map(([ms, kind, block, bytes, , tag]) => [
        ms! - start,
        TRACE_KINDS[kind!]!,
        block || null,
        bytes || null,
        tagName(tag!),
      ]),
      { caption: `Trace of ${this.name}: ${formatCount(this.length)} events`, maxRows: 20 },
    );
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}

function parseLine(path: string, number: number, line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new HyperionError('BAD_FORMAT', `line ${number} of ${path} is not JSON`, {}, { cause });
  }
}

function readRow(path: string, number: number, line: string): number[] {
  const row = parseLine(path, number, line);
  const isRow =
    Array.isArray(row) &&
    row.length === TRACE_FIELDS &&
    row.every((value) => typeof value === 'number' && Number.isFinite(value) && value >= 0);
  if (isRow && TRACE_KINDS[row[1]] !== undefined) return row;
  throw new HyperionError('BAD_FORMAT', `line ${number} of ${path} is not an event of a trace`);
}
