/** Typed reading of a config.json: each field is checked where it is asked for, and an error names file and field. */
import { HyperionError } from '../errors';
import { excerpt, isObject, type JsonObject } from './json';

/** The engine's own limit for one extent. */
const LARGEST_COUNT = 2 ** 28;
/** What texts name, architectures and the like, is short; messages quote it. */
const LONGEST_TEXT = 200;

/**
 * The fields of one object in a configuration file. A field that is absent or null takes its default; without a default
 * it is an error. Every getter throws HyperionError `BAD_FORMAT`.
 */
export class ConfigReader {
  constructor(
    private readonly path: string,
    private readonly fields: JsonObject,
    private readonly prefix = '',
  ) {}

  has(name: string): boolean {
    return this.fields[name] !== undefined && this.fields[name] !== null;
  }

  /** A whole number from 1 to 2^28. */
  count(name: string, fallback?: number): number {
    const value = this.field(name, fallback);
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= LARGEST_COUNT)
      return value as number;
    throw this.wrong(name, `a whole number from 1 to ${LARGEST_COUNT}`);
  }

  /** A number above 0 that is above 0 and finite in float32 too, in which the engine computes. */
  positive(name: string, fallback?: number): number {
    const value = this.field(name, fallback);
    if (isFloat32(value) && Math.fround(value) > 0) return value;
    throw this.wrong(name, 'a number above 0, within float32');
  }

  /** A number that is finite in float32 too. */
  number(name: string, fallback?: number): number {
    const value = this.field(name, fallback);
    if (isFloat32(value)) return value;
    throw this.wrong(name, 'a number within float32');
  }

  /** A list of numbers above 0, or undefined when the field is absent. */
  numbers(name: string): readonly number[] | undefined {
    if (!this.has(name)) return undefined;
    const value = this.fields[name];
    const isNumber = (item: unknown) => typeof item === 'number' && Number.isFinite(item) && item > 0;
    if (Array.isArray(value) && value.every(isNumber)) return value;
    throw this.wrong(name, 'a list of numbers above 0');
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.field(name, fallback);
    if (typeof value === 'boolean') return value;
    throw this.wrong(name, 'true or false');
  }

  text(name: string, fallback?: string): string {
    const value = this.field(name, fallback);
    if (isName(value)) return value;
    throw this.wrong(name, `text of up to ${LONGEST_TEXT} characters`);
  }

  /** A list of texts, or undefined when the field is absent. */
  texts(name: string): readonly string[] | undefined {
    if (!this.has(name)) return undefined;
    const value = this.fields[name];
    if (Array.isArray(value) && value.every(isName)) return value;
    throw this.wrong(name, 'a list of texts');
  }

  /** An object within this one, or undefined when the field is absent. */
  section(name: string): ConfigReader | undefined {
    if (!this.has(name)) return undefined;
    const value = this.fields[name];
    if (isObject(value)) return new ConfigReader(this.path, value, `${this.prefix}${name}.`);
    throw this.wrong(name, 'an object');
  }

  /** The error for values that are each valid and do not go together. */
  bad(problem: string): HyperionError {
    return new HyperionError('BAD_FORMAT', `${this.path}: ${problem}`, { path: this.path });
  }

  /** The error for a valid configuration that the engine does not compute. */
  unsupported(problem: string): HyperionError {
    return new HyperionError('UNSUPPORTED', `${this.path}: ${problem}`, { path: this.path });
  }

  private field(name: string, fallback: unknown): unknown {
    const value = this.has(name) ? this.fields[name] : fallback;
    if (value !== undefined) return value;
    throw this.bad(`'${this.prefix}${name}' is missing`);
  }

  private wrong(name: string, expected: string): HyperionError {
    return this.bad(`'${this.prefix}${name}' is ${excerpt(this.fields[name])}; it must be ${expected}`);
  }
}

function isFloat32(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(Math.fround(value));
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_TEXT;
}
