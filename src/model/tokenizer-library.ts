/** @huggingface/tokenizers, as far as it is used here, with errors of the project's: it checks little of what it is given. */
import { createRequire } from 'node:module';
import { HyperionError } from '../errors';
import { clip, type JsonObject } from './json';

/** What the library's object can do. */
interface Library {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(
    ids: number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
}

type LibraryClass = new (tokenizer: JsonObject, config: JsonObject) => Library;

/** One tokenizer. Every call throws HyperionError `BAD_FORMAT` when its file turns out to be none that can be used. */
export class TokenizerLibrary {
  readonly #library: Library;

  /** @param path the file from which `tokenizer` comes, for messages */
  constructor(
    private readonly path: string,
    tokenizer: JsonObject,
    config: JsonObject,
  ) {
    const { Tokenizer } = createRequire(__filename)('@huggingface/tokenizers') as { Tokenizer: LibraryClass };
    this.#library = attempt(path, () => new Tokenizer(tokenizer, config));
  }

  /** Ids; undefined for what the vocabulary cannot write. */
  encode(text: string, addSpecialTokens: boolean): (number | undefined)[] {
    return attempt(this.path, () => this.#library.encode(text, { add_special_tokens: addSpecialTokens }).ids);
  }

  /** The ids must be at least one, and known. */
  decode(ids: number[]): string {
    const options = { skip_special_tokens: true, clean_up_tokenization_spaces: false };
    return attempt(this.path, () => this.#library.decode(ids, options));
  }

  idOf(token: string): number | undefined {
    return this.#library.token_to_id(token);
  }

  tokenOf(id: number): string | undefined {
    return this.#library.id_to_token(id);
  }
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    const message = `${path} is not a tokenizer that can be used: ${clip((cause as Error).message)}`;
    throw new HyperionError('BAD_FORMAT', message, { path }, { cause });
  }
}
