/** Typed reading of a GGUF file's metadata: each value is checked where it is asked for, and an error names file and key. */
import { HyperionError } from '../../errors';
import type { NotedFile } from '../noted-file';
import { type GgufList, type GgufValue, readList } from './values';

const LARGEST_COUNT = 2 ** 28;

/**
 * The metadata of one file. A key that is absent takes its default; without a default it is an error. Every getter
 * throws HyperionError `BAD_FORMAT`; those that read lists wait for the disk, and throw `IO` too.
 */
export class GgufMetadata {
  constructor(
    private readonly file: NotedFile,
    private readonly values: ReadonlyMap<string, GgufValue>,
  ) {}

  get path(): string {
    return this.file.path;
  }

  has(key: string): boolean {
    return this.values.has(key);
  }

  /** Whether the key has a list, where it may also have one value. */
  hasList(key: string): boolean {
    const value = this.values.get(key);
    return value !== undefined && isList(value);
  }

  /** A whole number from 0 to 2^28. */
  count(key: string, fallback?: number): number {
    const value = this.#value(key, fallback);
    if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LARGEST_COUNT)
      return value as number;
    throw this.#wrong(key, `a whole number from 0 to ${LARGEST_COUNT}`);
  }

  number(key: string, fallback?: number): number {
    const value = this.#value(key, fallback);
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.#wrong(key, 'a number');
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#value(key, fallback);
    if (typeof value === 'boolean') return value;
    throw this.#wrong(key, 'true or false');
  }

  text(key: string, fallback?: string): string {
    const value = this.#value(key, fallback);
    if (typeof value === 'string') return value;
    throw this.#wrong(key, 'text');
  }

  /** Elements of a list, without reading it; undefined when the key is absent. */
  listLength(key: string): number | undefined {
    return this.has(key) ? this.#list(key).length : undefined;
  }

  /** A list of texts, read from the file; undefined when the key is absent. */
  texts(key: string): string[] | undefined {
    return this.#elements(key, (item) => typeof item === 'string', 'a list of texts');
  }

  /** A list of numbers or flags (0 and 1), read from the file; undefined when the key is absent. */
  numbers(key: string): number[] | undefined {
    const isNumber = (item: unknown) => typeof item === 'number' || typeof item === 'boolean';
    return this.#elements(key, isNumber, 'a list of numbers')?.map(Number);
  }

  /** A number that may be given once or for each layer; for each layer it must be the same. */
  countOfLayers(key: string, fallback?: number): number {
    if (!this.hasList(key)) return this.count(key, fallback);
    const [first = 0, ...others] = this.numbers(key)!;
    if (others.every((count) => count === first)) return first;
    throw this.unsupported(
      `'${key}' differs from layer to layer; only models whose layers are alike are computed`,
    );
  }

  /** The error for values that are each valid and do not go together. */
  bad(problem: string): HyperionError {
    return new HyperionError('BAD_FORMAT', `${this.path}: ${problem}`, { path: this.path });
  }

  /** The error for a valid file that the engine does not compute. */
  unsupported(problem: string): HyperionError {
    return new HyperionError('UNSUPPORTED', `${this.path}: ${problem}`, { path: this.path });
  }

  #elements<T>(key: string, isRight: (item: unknown) => boolean, expected: string): T[] | undefined {
    if (!this.has(key)) return undefined;
    const items = readList(this.file, this.#list(key), `'${key}'`);
    if (items.every(isRight)) return items as T[];
    throw this.#wrong(key, expected);
  }

  #list(key: string): GgufList {
    const value = this.#value(key, undefined);
    if (isList(value)) return value;
    throw this.#wrong(key, 'a list');
  }

  #value(key: string, fallback: GgufValue | undefined): GgufValue {
    const value = this.values.get(key) ?? fallback;
    if (value !== undefined) return value;
    throw this.bad(`'${key}' is missing`);
  }

  #wrong(key: string, expected: string): HyperionError {
    return this.bad(`'${key}' is ${show(this.values.get(key)!)}; it must be ${expected}`);
  }
}

function isList(value: GgufValue): value is GgufList {
  return typeof value === 'object';
}

const LONGEST_SHOWN = 80;

function show(value: GgufValue): string {
  if (isList(value)) return `a list of ${value.length} elements`;
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value);
}
