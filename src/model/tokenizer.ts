/** Text to token ids and back, by the tokenizer.json of a model. Reading that file is left to @huggingface/tokenizers. */
import { join } from 'node:path';
import { HyperionError } from '../errors';
import { readJsonIfPresent } from './files';
import type { JsonObject } from './json';

/** The part of the library that is used here. */
interface Library {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(
    ids: number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
}

/**
 * The tokenizer of a model.
 *
 * @example
 * ```ts
 * const model = await openModel('model');
 * const ids = model.tokenizer!.encode('Hello');
 * model.tokenizer!.decode(ids); // 'Hello'
 * ```
 */
export class Tokenizer {
  readonly #library: Library;

  private constructor(library: Library) {
    this.#library = library;
  }

  /**
   * The tokenizer.json in a folder, or null when there is none.
   *
   * @throws HyperionError `BAD_FORMAT` when it cannot be understood
   */
  static async fromFolder(folder: string): Promise<Tokenizer | null> {
    const path = join(folder, 'tokenizer.json');
    const tokenizer = await readJsonIfPresent(path);
    if (!tokenizer) return null;
    const config = (await readJsonIfPresent(join(folder, 'tokenizer_config.json'))) ?? {};
    return Tokenizer.fromJson(tokenizer, config, path);
  }

  /**
   * A tokenizer from what tokenizer.json and tokenizer_config.json hold.
   *
   * @param path the file that they come from, for messages
   * @throws HyperionError `BAD_FORMAT` when it cannot be understood
   */
  static async fromJson(tokenizer: JsonObject, config: JsonObject, path: string): Promise<Tokenizer> {
    const library = await import('@huggingface/tokenizers');
    try {
      return new Tokenizer(new library.Tokenizer(tokenizer, config));
    } catch (cause) {
      const message = `${path} is not a tokenizer that can be read: ${(cause as Error).message}`;
      throw new HyperionError('BAD_FORMAT', message, { path }, { cause });
    }
  }

  /**
   * Token ids of a text, with the special tokens that the model's own template adds, such as a beginning of text.
   *
   * @throws HyperionError `INVALID` when the vocabulary has no token for a part of the text
   */
  encode(text: string): number[] {
    const { ids } = this.#library.encode(text, { add_special_tokens: true });
    if (ids.every((id) => id !== undefined)) return ids;
    throw new HyperionError(
      'INVALID',
      'the text has characters that the vocabulary of the model cannot write',
    );
  }

  /** Text of token ids, without special tokens. Bytes that are no UTF-8 become U+FFFD. */
  decode(ids: readonly number[]): string {
    // Models pad their vocabulary beyond the tokenizer's; the library has no text for such an id, nor for an empty list.
    const known = ids.filter((id) => this.tokenOf(id) !== undefined);
    if (known.length === 0) return '';
    return this.#library.decode(known, { skip_special_tokens: true, clean_up_tokenization_spaces: false });
  }

  /** The id of one token as the vocabulary writes it, or undefined. */
  idOf(token: string): number | undefined {
    return this.#library.token_to_id(token);
  }

  /** One token as the vocabulary writes it, or undefined. */
  tokenOf(id: number): string | undefined {
    return this.#library.id_to_token(id);
  }
}
