/**
 * Text to token ids and back, by the tokenizer.json of a model or what another format has in its place. The work is left
 * to the library behind tokenizer-library.ts, chat templates to tokenizer-chat.ts.
 */
import { join } from 'node:path';
import { HyperionError } from '../errors';
import { ifPresent, readWhole } from './files';
import { isObject, type JsonObject, parseObject } from './json';
import { type ChatMessage, type ChatOptions, ChatTemplate, type SpecialTokens } from './tokenizer-chat';
import { TokenizerLibrary } from './tokenizer-library';

/** What a tokenizer knows beside its tokenizer.json. */
export interface TokenizerExtras {
  readonly chat?: ChatTemplate | undefined;
  /** why texts cannot be encoded, though tokens can be decoded */
  readonly encodingProblem?: string | undefined;
  /** what a tokenizer_config.json says beside */
  readonly config?: JsonObject;
}

export interface EncodeOptions {
  /** Whether the special tokens are added that the model expects around a text. Default true. */
  readonly addSpecialTokens?: boolean;
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
  readonly #path: string;
  readonly #library: TokenizerLibrary;
  readonly #extras: TokenizerExtras;
  /** the token that `encode` puts before every text, if it does */
  readonly #begin: number | undefined;

  private constructor(path: string, library: TokenizerLibrary, extras: TokenizerExtras) {
    this.#path = path;
    this.#library = library;
    this.#extras = extras;
    this.#begin = library.encode('', true)[0];
  }

  /**
   * The tokenizer of a folder as Hugging Face lays it out, or null when it has no tokenizer.json.
   *
   * @throws HyperionError `BAD_FORMAT` when it cannot be understood
   */
  static fromFolder(folder: string): Promise<Tokenizer | null> {
    return Tokenizer.fromFiles(folder, (name) => ifPresent(readWhole(join(folder, name))));
  }

  /**
   * The same of files that lie elsewhere.
   *
   * @param place where they are, for messages
   * @param read gives a file's bytes, or undefined when there is none of the name
   */
  static async fromFiles(
    place: string,
    read: (name: string) => Promise<Uint8Array | undefined>,
  ): Promise<Tokenizer | null> {
    const readJson = async (name: string) => {
      const bytes = await read(name);
      return bytes && parseObject(bytes, join(place, name));
    };
    const tokenizer = await readJson('tokenizer.json');
    if (!tokenizer) return null;
    const config = (await readJson('tokenizer_config.json')) ?? {};
    const file = await read('chat_template.jinja');
    const template = file ? Buffer.from(file).toString() : templateOf(config);
    const chat =
      template === undefined
        ? undefined
        : await ChatTemplate.create(place, template, specialTokensOf(config));
    return Tokenizer.create(join(place, 'tokenizer.json'), tokenizer, { chat, config });
  }

  /**
   * The tokenizer that an object in the form of tokenizer.json describes.
   *
   * @param path the file from which it comes, for messages
   * @throws HyperionError `BAD_FORMAT` when it cannot be understood
   */
  static async create(path: string, tokenizer: JsonObject, extras: TokenizerExtras = {}): Promise<Tokenizer> {
    return new Tokenizer(path, await TokenizerLibrary.create(path, tokenizer, extras.config ?? {}), extras);
  }

  /**
   * Token ids of a text. Special tokens that stand in the text, such as '<|im_start|>', are taken as such. A text that begins
   * with the beginning of text is not given a second one.
   *
   * @throws HyperionError `INVALID` when the vocabulary has no token for a part of the text, `UNSUPPORTED` when the way in
   *   which the model splits a text is not known
   */
  encode(text: string, { addSpecialTokens = true }: EncodeOptions = {}): number[] {
    const { encodingProblem } = this.#extras;
    if (encodingProblem) throw new HyperionError('UNSUPPORTED', encodingProblem, { path: this.#path });
    const ids = this.#library.encode(text, addSpecialTokens);
    if (!ids.every((id) => id !== undefined))
      throw new HyperionError(
        'INVALID',
        'the text has characters that the vocabulary of the model cannot write',
      );
    const isDoubled =
      addSpecialTokens && this.#begin !== undefined && ids[0] === this.#begin && ids[1] === ids[0];
    return isDoubled ? ids.slice(1) : ids;
  }

  /** Text of token ids, without special tokens. Bytes that are no UTF-8 become U+FFFD. */
  decode(ids: readonly number[]): string {
    // Models pad their vocabulary beyond the tokenizer's; the library has no text for such an id, nor for an empty list.
    const known = ids.filter((id) => this.tokenOf(id) !== undefined);
    if (known.length === 0) return '';
    return this.#library.decode(known);
  }

  /** Whether the model has a chat template. */
  get hasChatTemplate(): boolean {
    return this.#extras.chat !== undefined;
  }

  /**
   * A list of messages as the one text that the model was trained on, by its chat template. Encode it with
   * `addSpecialTokens: false`: the template has written those that belong there.
   *
   * @throws HyperionError `UNSUPPORTED` when the model has no chat template, `INVALID` when the messages are not a list of
   *   roles and contents, or not such as the template takes, `BAD_FORMAT` when it cannot be understood
   */
  applyChatTemplate(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    const { chat } = this.#extras;
    if (chat) return chat.render(messages, options);
    const message = `${this.#path} comes without a chat template; write the prompt as one text`;
    throw new HyperionError('UNSUPPORTED', message, { path: this.#path });
  }

  /** The id of one token as the vocabulary writes it, or undefined. */
  idOf(token: string): number | undefined {
    return this.#library.idOf(token);
  }

  /** One token as the vocabulary writes it, or undefined. */
  tokenOf(id: number): string | undefined {
    return this.#library.tokenOf(id);
  }
}

/** One template, or several by name. */
function templateOf({ chat_template: template }: JsonObject): string | undefined {
  if (typeof template === 'string') return template;
  if (!Array.isArray(template)) return undefined;
  const found = template.find((one) => isObject(one) && one.name === 'default')?.template;
  return typeof found === 'string' ? found : undefined;
}

/** `bos_token` and its like: the token itself, or an object that has it as `content`. */
function specialTokensOf(config: JsonObject): SpecialTokens {
  const tokens = Object.entries(config).flatMap(([name, value]): [string, string][] => {
    const token = isObject(value) ? value.content : value;
    return name.endsWith('_token') && typeof token === 'string' ? [[name, token]] : [];
  });
  return Object.fromEntries(tokens);
}
