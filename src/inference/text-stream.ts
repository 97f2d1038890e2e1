/** Text from tokens as they come, never splitting a character and never giving away the beginning of a stop text. */
import type { Tokenizer } from '../model/tokenizer';

/** Tokens of the prompt that are decoded with the first new ones: some tokenizers write a token differently at a start. */
const CONTEXT = 8;
/** An unfinished character has at most 3 bytes, each of which may show as one U+FFFD. */
const UNFINISHED = /\uFFFD{1,3}$/;

/** Decodes a growing list of tokens, giving each part of the text once. */
export class TextStream {
  readonly #ids: number[];
  /** decoding starts at the first, to give context; text of tokens before the second has been given entirely */
  #start = 0;
  #done: number;
  /** characters of the text decoded from `#start` that have been given */
  #given: number;

  constructor(
    private readonly tokenizer: Tokenizer | null,
    prompt: readonly number[],
  ) {
    this.#ids = prompt.slice(-CONTEXT);
    this.#done = this.#ids.length;
    this.#given = this.#decode().replace(UNFINISHED, '').length;
  }

  /** The text that this token completes; empty while a character is unfinished. */
  push(id: number): string {
    this.#ids.push(id);
    const text = this.#decode();
    const finished = text.replace(UNFINISHED, '');
    const piece = finished.slice(this.#given);
    this.#given = Math.max(this.#given, finished.length);
    if (finished === text) this.#moveOn();
    return piece;
  }

  /** What is left at the end: an unfinished character, as U+FFFD. */
  end(): string {
    const piece = this.#decode().slice(this.#given);
    this.#given += piece.length;
    return piece;
  }

  /** Keeps the newest tokens as context, so that the work per token does not grow. */
  #moveOn(): void {
    this.#start = this.#done;
    this.#done = this.#ids.length;
    this.#given = this.#decode().length;
  }

  #decode(): string {
    return this.tokenizer?.decode(this.#ids.slice(this.#start)) ?? '';
  }
}

/** Looks for stop texts in text that comes in parts. */
export class StopWatch {
  #held = '';
  #stopped = false;

  constructor(private readonly stops: readonly string[]) {}

  get stopped(): boolean {
    return this.#stopped;
  }

  /** The text that is certain not to belong to a stop text. After one was met, nothing more. */
  push(text: string): string {
    if (this.#stopped) return '';
    const all = this.#held + text;
    const found = this.stops.map((stop) => all.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.#stopped = true;
      return all.slice(0, Math.min(...found));
    }
    const held = Math.max(0, ...this.stops.map((stop) => overlap(all, stop)));
    this.#held = all.slice(all.length - held);
    return all.slice(0, all.length - held);
  }

  /** What was held back and is no stop text after all. */
  end(): string {
    return this.#stopped ? '' : this.#held;
  }
}

/** Characters at the end of `text` that begin `stop`. */
function overlap(text: string, stop: string): number {
  let length = Math.min(text.length, stop.length - 1);
  while (length > 0 && !text.endsWith(stop.slice(0, length))) length -= 1;
  return length;
}
