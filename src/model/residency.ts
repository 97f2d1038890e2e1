/**
 * Which pages of a model's files are in memory. The operating system is asked by mincore over a mapping that is never touched, so that
 * looking changes nothing, and a file that was cut short is no danger.
 */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import {
  type Figure,
  jupyterDisplay,
  type MimeBundle,
  type ResidencyCell,
  residencyFigure,
  Table,
} from '../display';
import { native } from '../native';
import { formatBytes, formatCount, formatDuration } from '../units';
import type { TensorInfo } from './tensor-info';

/** Where one tensor is; a page that two tensors share counts for both. */
export interface TensorResidency {
  readonly name: string;
  readonly bytes: number;
  readonly pages: number;
  /** of its pages, those in the operating system's page cache */
  readonly residentPages: number;
  /** held in memory of ours: by the model's cache or by a session */
  readonly cached: boolean;
  /** seen by an open view */
  readonly viewed: boolean;
  /** in memory when it was looked at before, and not now */
  readonly evicted: boolean;
}

/** What of a model the engine itself holds, by names of tensors. */
export interface HeldTensors {
  readonly cached: ReadonlySet<string>;
  readonly viewed: ReadonlySet<string>;
}

/** A look at all tensors. */
interface Look {
  /** milliseconds of performance.now() */
  readonly timeMs: number;
  readonly tensors: readonly TensorResidency[];
}

/** More tensors than these are drawn by layer. */
const MOST_ROWS = 48;
/** Parts of a tensor in the picture of its pages. */
const PARTS = 64;
/** Of more looks the newest are kept. */
const KEPT_LOOKS = 240;

/** Looks at the files of an open model. */
export class ResidencyProbe {
  readonly #looks: Look[] = [];
  #isTold: boolean | undefined;

  /**
   * @param files in the engine's order
   * @param rowOf the layer of a tensor, for models with many
   */
  constructor(
    private readonly name: string,
    private readonly files: readonly string[],
    private readonly tensors: readonly TensorInfo[],
    private readonly rowOf: (tensor: string) => string,
  ) {}

  /** Looks once more. @throws HyperionError `IO`, `CLOSED` */
  async look(model: number, held: HeldTensors): Promise<Residency> {
    this.#isTold ??= (await Promise.all(this.files.map(isTold))).every(Boolean);
    const pageBytes = native().pageBytes();
    const pages = new Map<string, Uint8Array>();
    for (const [index, file] of this.files.entries()) {
      const own = this.tensors.filter((tensor) => tensor.file === file);
      const all = new Uint8Array(native().filePages(model, index));
      await native().residentPages(model, index, all);
      for (const { name, offset, bytes } of own)
        pages.set(
          name,
          all.subarray(
            Math.floor(offset / pageBytes),
            bytes > 0 ? Math.ceil((offset + bytes) / pageBytes) : 0,
          ),
        );
    }
    const before = new Map(this.#looks.at(-1)?.tensors.map((tensor) => [tensor.name, tensor]));
    const tensors = this.tensors.map(({ name, bytes }) => {
      const own = pages.get(name)!;
      const residentPages = own.reduce((sum, page) => sum + page, 0);
      const [cached, viewed] = [held.cached.has(name), held.viewed.has(name)];
      const last = before.get(name);
      const wasThere = last !== undefined && (last.evicted || isInMemory(last));
      const now = { name, bytes, pages: own.length, residentPages, cached, viewed };
      return { ...now, evicted: wasThere && !isInMemory(now) };
    });
    this.#looks.push({ timeMs: performance.now(), tensors });
    if (this.#looks.length > KEPT_LOOKS) this.#looks.shift();
    return new Residency(this.name, [...this.#looks], pages, this.#isTold, this.rowOf);
  }
}

/** Linux tells of a file's pages only who owns the file or may write it; to others it says that all are resident. */
async function isTold(file: string): Promise<boolean> {
  const [owner, mayWrite] = await Promise.all([
    stat(file).then(
      ({ uid }) => uid,
      () => undefined,
    ),
    access(file, constants.W_OK).then(
      () => true,
      () => false,
    ),
  ]);
  return mayWrite || owner === process.geteuid?.();
}

function isInMemory({ residentPages, cached, viewed }: Omit<TensorResidency, 'evicted'>): boolean {
  return residentPages > 0 || cached || viewed;
}

/** Where the tensors of a model are, now and at earlier looks. */
export class Residency {
  /** now */
  readonly tensors: readonly TensorResidency[];
  /** how often it was looked, this time included */
  readonly looks: number;

  /** Residency comes from `model.residency()`. */
  constructor(
    private readonly model: string,
    private readonly history: readonly Look[],
    private readonly pageMap: ReadonlyMap<string, Uint8Array>,
    /** false when the operating system does not tell of these files, and calls all pages resident */
    readonly isTold: boolean,
    private readonly rowOf: (tensor: string) => string,
  ) {
    this.tensors = history.at(-1)!.tensors;
    this.looks = history.length;
  }

  /** For each page of a tensor whether it is in the page cache, 1 or 0; undefined for a tensor that there is not. */
  pages(tensor: string): Uint8Array | undefined {
    return this.pageMap.get(tensor);
  }

  /** A row for each tensor, or each layer where there are many, and a column for each look. */
  plot(): Figure {
    const rows = this.#rows();
    const [first] = this.history;
    return residencyFigure({
      title: `Residency of ${this.model}`,
      summary: this.#summary(),
      rows: [...rows.keys()],
      across: 'since the first look',
      columns: this.history.map(({ timeMs }) => formatDuration(timeMs - first!.timeMs)),
      cells: [...rows.values()].map((names) => this.history.map(({ tensors }) => cellOf(tensors, names))),
    });
  }

  /** A row for each tensor, or each layer, and a column for each part of its bytes: which pages are in the page cache now. */
  plotPages(): Figure {
    const rows = this.#rows();
    return residencyFigure({
      title: `Pages of ${this.model} in the page cache`,
      summary: this.#summary(),
      rows: [...rows.keys()],
      across: 'part of its bytes (%)',
      columns: Array.from({ length: PARTS }, (_, part) => String(Math.round((100 * part) / PARTS))),
      cells: [...rows.values()].map((names) => this.#parts(names)),
    });
  }

  table(): Table {
    const columns = [
      'tensor',
      { label: 'size', unit: 'bytes' },
      { label: 'pages', unit: 'count' },
      { label: 'in the page cache', unit: 'percent' },
      'ours',
    ] as const;
    const rows = this.tensors.map((tensor) => [
      tensor.name,
      tensor.bytes,
      tensor.pages,
      tensor.pages > 0 ? tensor.residentPages / tensor.pages : 0,
      tensor.viewed ? 'viewed' : tensor.cached ? 'cached' : null,
    ]);
    return new Table(columns, rows, { caption: this.#summary() });
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): Promise<MimeBundle> {
    return this.plot()[jupyterDisplay]();
  }

  #summary(): string {
    if (!this.isTold)
      return 'the operating system does not tell of files that this user neither owns nor may write';
    const sum = (of: (tensor: TensorResidency) => number) =>
      this.tensors.reduce((all, tensor) => all + of(tensor), 0);
    const pages = sum((tensor) => tensor.pages);
    const share = pages > 0 ? sum((tensor) => tensor.residentPages) / pages : 0;
    const ours = sum(({ cached, viewed, bytes }) => (cached || viewed ? bytes : 0));
    const viewed = sum((tensor) => (tensor.viewed ? 1 : 0));
    return (
      `${(100 * share).toFixed(1)}% of ${formatCount(pages)} pages in the page cache, ` +
      `${formatBytes(ours)} held by us, ${formatCount(viewed)} viewed`
    );
  }

  /** Names of tensors by row. */
  #rows(): Map<string, Set<string>> {
    const byLayer = this.tensors.length > MOST_ROWS;
    const rows = new Map<string, Set<string>>();
    for (const { name } of this.tensors) {
      const row = byLayer ? this.rowOf(name) : name;
      rows.set(row, (rows.get(row) ?? new Set()).add(name));
    }
    return rows;
  }

  #parts(names: ReadonlySet<string>): ResidencyCell[] {
    const pages = [...names].flatMap((name) => [...this.pageMap.get(name)!]);
    return Array.from({ length: PARTS }, (_, part) => {
      const begin = Math.floor((part * pages.length) / PARTS);
      const own = pages.slice(begin, Math.max(begin + 1, Math.floor(((part + 1) * pages.length) / PARTS)));
      const share = own.reduce((sum, page) => sum + page, 0) / (own.length || 1);
      return { state: share > 0 ? 'page cache' : 'on disk', share };
    });
  }
}

/** The strongest state of the tensors of a row. */
function cellOf(tensors: readonly TensorResidency[], names: ReadonlySet<string>): ResidencyCell {
  const own = tensors.filter(({ name }) => names.has(name));
  const pages = own.reduce((sum, tensor) => sum + tensor.pages, 0);
  const share = own.reduce((sum, { residentPages }) => sum + residentPages, 0) / (pages || 1);
  if (own.some(({ viewed }) => viewed)) return { state: 'viewed', share };
  if (own.some(({ cached }) => cached)) return { state: 'cached', share };
  if (share > 0) return { state: 'page cache', share };
  return { state: own.some(({ evicted }) => evicted) ? 'evicted' : 'on disk', share };
}
