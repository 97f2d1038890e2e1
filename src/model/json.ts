/**
 * JSON of files that may be damaged or hostile: its structure is bounded before it is parsed, so that neither time nor
 * memory can run away, and a name that an object gives twice is seen, which JSON.parse hides.
 */
import { HyperionError } from '../errors';

export type JsonObject = Readonly<Record<string, unknown>>;

export interface JsonLimits {
  /** Members and elements in all. Default 2^24. */
  readonly values?: number;
  /** Whether a name that an object gives twice is refused. Default false. */
  readonly distinctNames?: boolean;
}

const DEEPEST = 64;

/** @throws HyperionError `BAD_FORMAT` unless the bytes are UTF-8 text of a JSON object within the limits */
export function parseObject(bytes: Uint8Array, what: string, limits: JsonLimits = {}): JsonObject {
  const problem = findProblem(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), limits);
  if (problem) throw new HyperionError('BAD_FORMAT', `${what} ${problem}`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const message = `${what} is not valid JSON: ${(cause as Error).message}`;
    throw new HyperionError('BAD_FORMAT', message, {}, { cause });
  }
  if (isObject(value)) return value;
  throw new HyperionError('BAD_FORMAT', `${what} must hold a JSON object`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value from a file as JSON, as long as a message may show it: a bad file can hold a list of megabytes. */
export function excerpt(value: unknown): string {
  return clip(JSON.stringify(value) ?? String(value));
}

/** The same of text, without quotes. */
export function clip(text: string): string {
  return text.length > LONGEST_EXCERPT ? `${text.slice(0, LONGEST_EXCERPT)}…` : text;
}

const LONGEST_EXCERPT = 100;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Looks at brackets, commas and names alone; what else is wrong with the text is left to JSON.parse. */
function findProblem(text: Buffer, { values = 2 ** 24, distinctNames = false }: JsonLimits): string | null {
  const namesAtDepth: Set<string>[] = [];
  let depth = 0;
  let count = 0;
  let [nameBegin, nameEnd] = [0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === QUOTE) {
      nameBegin = at;
      at = nameEnd = endOfString(text, at);
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      depth += 1;
      count += 1;
      if (depth > DEEPEST) return `is nested more than ${DEEPEST} deep`;
      namesAtDepth[depth]?.clear();
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth -= 1;
    } else if (byte === COMMA) {
      count += 1;
    } else if (byte === COLON && distinctNames && depth >= 0) {
      namesAtDepth[depth] ??= new Set();
      const name = unescaped(text.toString('utf8', nameBegin + 1, nameEnd));
      if (namesAtDepth[depth]!.has(name)) return `gives the name ${excerpt(name)} twice`;
      namesAtDepth[depth]!.add(name);
    }
    if (count > values) return `has more than ${values} values`;
  }
  return null;
}

/** The index of the quote that ends the string, or the end of the text. */
function endOfString(text: Buffer, begin: number): number {
  for (let at = begin + 1; at < text.length; at += 1) {
    if (text[at] === BACKSLASH) at += 1;
    else if (text[at] === QUOTE) return at;
  }
  return text.length;
}

function unescaped(name: string): string {
  if (!name.includes('\\')) return name;
  try {
    return JSON.parse(`"${name}"`);
  } catch {
    return name; // JSON.parse refuses the whole text, with its own words
  }
}
