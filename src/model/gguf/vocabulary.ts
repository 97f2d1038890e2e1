/** The tokens of a GGUF file with what it says of each, and the ids of the special ones. */
import type { GgufMetadata } from './metadata';

/** What llama.cpp says of a token, by the number that stands for it. */
export const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export interface Vocabulary {
  readonly tokens: readonly string[];
  /** a TOKEN_TYPE for each token */
  readonly types: readonly number[];
}

/** Sees that the file has tokens, and reads none. @throws HyperionError `BAD_FORMAT` */
export function checkVocabulary(metadata: GgufMetadata): void {
  if (metadata.listLength(TOKENS) === undefined) throw metadata.bad(`'${TOKENS}' is missing`);
}

/**
 * Reads the tokens from the file.
 *
 * @throws HyperionError `BAD_FORMAT` when there are none, or lists do not have the same length; `IO`
 */
export function readVocabulary(metadata: GgufMetadata): Vocabulary {
  checkVocabulary(metadata);
  const tokens = metadata.texts(TOKENS)!;
  const types = readOfTokens(metadata, 'token_type', tokens.length);
  return { tokens, types: types ?? tokens.map(() => TOKEN_TYPE.normal) };
}

/**
 * A list with one number for each token, or undefined when the file has none.
 *
 * @throws HyperionError `BAD_FORMAT` when it has another length; `IO`
 */
export function readOfTokens(metadata: GgufMetadata, name: string, tokens: number): number[] | undefined {
  const key = `tokenizer.ggml.${name}`;
  const numbers = metadata.numbers(key);
  if (numbers && numbers.length !== tokens)
    throw metadata.bad(`'${key}' has ${numbers.length} elements for ${tokens} tokens`);
  return numbers;
}

/**
 * The token to which a key such as `bos_token_id` points, or undefined when the file has no such key.
 *
 * @throws HyperionError `BAD_FORMAT` when there is no token of that id
 */
export function specialToken(
  metadata: GgufMetadata,
  name: string,
  { tokens }: Vocabulary,
  fallback?: number,
): string | undefined {
  const key = `tokenizer.ggml.${name}`;
  if (!metadata.has(key)) return fallback === undefined ? undefined : tokens[fallback];
  const id = metadata.count(key);
  if (id < tokens.length) return tokens[id];
  throw metadata.bad(`'${key}' is ${id}; its ${tokens.length} tokens have ids below that`);
}

const TOKENS = 'tokenizer.ggml.tokens';
