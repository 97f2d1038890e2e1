/**
 * Text to token ids and back, by the tokenizer.json of a model or what another format has in its place. The work is left
 * to the library behind tokenizer-library.ts, chat templates to tokenizer-chat.ts.
 */
import { basename, join } from 'node:path';
import { HyperionError } from '../errors';
import { isObject, type JsonObject, parseObject } from './json';
import { NotedFile } from './noted-file';
import { type ChatMessage, type ChatOptions, ChatTemplate, type SpecialTokens } from './tokenizer-chat';
import { TokenizerLibrary } from './tokenizer-library';

/** What the files of a tokenizer say. */
export interface TokenizerParts {
  /** in the form of tokenizer.json */
  readonly json: JsonObject;
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

/** What is there once the parts have been read. */
interface Loaded extends Pick<TokenizerParts, 'chat' | 'encodingProblem'> {
  readonly library: TokenizerLibrary;
  /** the token that `encode` puts before every text, if it does */
  readonly begin: number | undefined;
}

/**
 * The tokenizer of a model. Opening a model only sees that it is there: it is read when it is first used, which for 150,000 tokens
 * takes up to a second. Then every method throws HyperionError `BAD_FORMAT` when it cannot be understood, `IO` when a file is
 * gone, and `CORRUPT` when it is no longer what it was when the model was opened.
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
  readonly #read: () => TokenizerParts;
  #loaded: Loaded | undefined;

  /**
   * @param path the file that has it, for messages
   * @param read is called at the first use; what it throws, the use throws
   */
  constructor(path: string, read: () => TokenizerParts) {
    this.#path = path;
    this.#read = read;
  }

  /**
   * The tokenizer of a folder as Hugging Face lays it out, or null when it has no tokenizer.json.
   *
   * @throws HyperionError `IO` when a file is there that cannot be read
   */
  static async fromFolder(folder: string): Promise<Tokenizer | null> {
    const found = await Promise.all(FILES.map((name) => NotedFile.find(join(folder, name))));
    const files = found.flatMap((file) =>
      file ? [[basename(file.path), () => file.readSmall()] as const] : [],
    );
    return Tokenizer.fromFiles(folder, new Map(files));
  }

  /**
   * The same of files that lie elsewhere.
   *
   * @param place where they are, for messages
   * @param files what reads a file, by its name
   */
  static fromFiles(place: string, files: ReadonlyMap<string, () => Uint8Array>): Tokenizer | null {
    return files.has(TOKENIZER) ? new Tokenizer(join(place, TOKENIZER), () => readParts(place, files)) : null;
  }

  /**
   * Token ids of a text. Special tokens that stand in the text, such as '<|im_start|>', are taken as such. A text that begins
   * with the beginning of text is not given a second one.
   *
   * @throws HyperionError `INVALID` when the vocabulary has no token for a part of the text, `UNSUPPORTED` when the way in
   *   which the model splits a text is not known
   */
  encode(text: string, { addSpecialTokens = true }: EncodeOptions = {}): number[] {
    const { library, begin, encodingProblem } = this.#load();
    if (encodingProblem) throw new HyperionError('UNSUPPORTED', encodingProblem, { path: this.#path });
    const ids = library.encode(text, addSpecialTokens);
    if (!ids.every((id) => id !== undefined))
      throw new HyperionError(
        'INVALID',
        'the text has characters that the vocabulary of the model cannot write',
      );
    const isDoubled = addSpecialTokens && begin !== undefined && ids[0] === begin && ids[1] === begin;
    return isDoubled ? ids.slice(1) : ids;
  }

  /** Text of token ids, without special tokens. Bytes that are no UTF-8 become U+FFFD. */
  decode(ids: readonly number[]): string {
    // Models pad their vocabulary beyond the tokenizer's; the library has no text for such an id, nor for an empty list.
    const known = ids.filter((id) => this.tokenOf(id) !== undefined);
    if (known.length === 0) return '';
    return this.#load().library.decode(known);
  }

  /** Whether the model has a chat template. */
  get hasChatTemplate(): boolean {
    return this.#load().chat !== undefined;
  }

  /**
   * A list of messages as the one text that the model was trained on, by its chat template. Encode it with
   * `addSpecialTokens: false`: the template has written those that belong there.
   *
   * @throws HyperionError `UNSUPPORTED` when the model has no chat template, `INVALID` when the messages are not a list of
   *   roles and contents, or not such as the template takes, `BAD_FORMAT` when it cannot be understood
   */
  applyChatTemplate(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    const { chat } = this.#load();
    if (chat) return chat.render(messages, options);
    const message = `${this.#path} comes without a chat template; write the prompt as one text`;
    throw new HyperionError('UNSUPPORTED', message, { path: this.#path });
  }

  /** The id of one token as the vocabulary writes it, or undefined. */
  idOf(token: string): number | undefined {
    return this.#load().library.idOf(token);
  }

  /** One token as the vocabulary writes it, or undefined. */
  tokenOf(id: number): string | undefined {
    return this.#load().library.tokenOf(id);
  }

  #load(): Loaded {
    this.#loaded ??= this.#readNow();
    return this.#loaded;
  }

  #readNow(): Loaded {
    const { json, config = {}, chat, encodingProblem } = this.#read();
    const library = new TokenizerLibrary(this.#path, json, config);
    return { library, begin: library.encode('', true)[0], chat, encodingProblem };
  }
}

const [TOKENIZER, CONFIG, TEMPLATE] = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'];
const FILES = [TOKENIZER, CONFIG, TEMPLATE];

function readParts(place: string, files: ReadonlyMap<string, () => Uint8Array>): TokenizerParts {
  const readJson = (name: string) => {
    const bytes = files.get(name)?.();
    return bytes && parseObject(bytes, join(place, name));
  };
  const json = readJson(TOKENIZER)!;
  const config = readJson(CONFIG) ?? {};
  const file = files.get(TEMPLATE)?.();
  const template = file ? Buffer.from(file).toString() : templateOf(config);
  const chat =
    template === undefined ? undefined : new ChatTemplate(place, template, specialTokensOf(config));
  return { json, config, chat };
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
