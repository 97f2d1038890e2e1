/** Chat templates: a list of messages as one text. Rendering Jinja is left to @huggingface/jinja. */
import { createRequire } from 'node:module';
import { runInNewContext } from 'node:vm';
import { HyperionError } from '../errors';
import { isObject } from './json';

/** One message of a conversation. */
export interface ChatMessage {
  /** `system`, `user`, `assistant`, or what else the template knows */
  readonly role: string;
  readonly content: string;
}

export interface ChatOptions {
  /** Whether the beginning of the model's answer follows the messages. Default true. */
  readonly addGenerationPrompt?: boolean;
  /** What else the template may ask for by name, such as `{ enable_thinking: false }`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** Tokens by the names that templates use: `bos_token`, `eos_token`, … */
export type SpecialTokens = Readonly<Record<string, string | undefined>>;

/** Rendering takes milliseconds; a template that counts to a billion is stopped. */
const MOST_MS = 500;

/** The part of the library that is used here. */
type TemplateClass = new (source: string) => { render(variables: Record<string, unknown>): string };

/** The chat template of one model. It is parsed when it is used, so that a bad one keeps no model from being opened. */
export class ChatTemplate {
  /** @param path the file that the template is from, for messages */
  constructor(
    private readonly path: string,
    private readonly source: string,
    private readonly specialTokens: SpecialTokens,
  ) {}

  /**
   * The text of a conversation.
   *
   * @throws HyperionError `INVALID` for messages that are none, or that the template refuses; `BAD_FORMAT` for a template
   *   that is no Jinja
   */
  render(
    messages: readonly ChatMessage[],
    { addGenerationPrompt = true, variables = {} }: ChatOptions = {},
  ): string {
    checkMessages(messages);
    const template = this.#parse();
    const tokens = Object.entries(this.specialTokens).map(([name, token]) => [name, token ?? '']);
    const given = { ...Object.fromEntries(tokens), ...variables };
    const render = () => template.render({ ...given, messages, add_generation_prompt: addGenerationPrompt });
    try {
      return runInNewContext('render()', { render }, { timeout: MOST_MS });
    } catch (cause) {
      const message = `the chat template of ${this.path} does not take these messages: ${(cause as Error).message}`;
      throw new HyperionError('INVALID', message, { path: this.path }, { cause });
    }
  }

  #parse(): InstanceType<TemplateClass> {
    const { Template } = createRequire(__filename)('@huggingface/jinja') as { Template: TemplateClass };
    try {
      return new Template(this.source);
    } catch (cause) {
      const message = `the chat template of ${this.path} cannot be understood: ${(cause as Error).message}`;
      throw new HyperionError('BAD_FORMAT', message, { path: this.path }, { cause });
    }
  }
}

function checkMessages(messages: unknown): void {
  if (!Array.isArray(messages) || messages.length === 0)
    throw new HyperionError('INVALID', 'messages must be a list of at least one { role, content }');
  for (const [index, message] of messages.entries()) {
    const { role, content }: Partial<ChatMessage> = isObject(message) ? message : {};
    if (typeof role === 'string' && typeof content === 'string') continue;
    const text = `message ${index} must be { role, content }, both of them text`;
    throw new HyperionError('INVALID', text, { index });
  }
}
