/** What a user asks a model to continue, as checked token ids. */
import { types } from 'node:util';
import { HyperionError } from '../errors';
import { isObject } from '../model/json';
import type { Tokenizer } from '../model/tokenizer';
import type { ChatMessage } from '../model/tokenizer-chat';

/** Text, the ids of its tokens, or a conversation that the model's chat template writes as text. */
export type Prompt = string | readonly number[] | Int32Array | Conversation;

/** Messages to which the model answers. */
export interface Conversation {
  readonly messages: readonly ChatMessage[];
}

/** The part of a model that prompts are held against. */
export interface Vocabulary {
  readonly tokenizer: Tokenizer | null;
  readonly vocabularySize: number;
}

/**
 * Token ids of a prompt.
 *
 * @throws HyperionError `INVALID` when it is empty, when an id is not in the vocabulary, or for text without a tokenizer;
 *   `UNSUPPORTED` for messages without a chat template
 */
export function readPrompt(prompt: Prompt, model: Vocabulary): Int32Array {
  if (typeof prompt === 'string') return checkIds(encode(prompt, model), model);
  if (Array.isArray(prompt) || types.isInt32Array(prompt)) return checkIds(prompt, model);
  if (isObject(prompt)) return checkIds(converse(prompt as Conversation, model), model);
  throw new HyperionError(
    'INVALID',
    `the prompt is ${String(prompt)}; it must be text or a list of token ids`,
  );
}

/** The template writes special tokens itself, so none are added. */
function converse({ messages }: Conversation, model: Vocabulary): number[] {
  const tokenizer = tokenizerOf(model);
  return tokenizer.encode(tokenizer.applyChatTemplate(messages), { addSpecialTokens: false });
}

function encode(text: string, model: Vocabulary): number[] {
  if (text === '')
    throw new HyperionError('INVALID', 'the prompt is empty; it must have at least one character');
  return tokenizerOf(model).encode(text);
}

function tokenizerOf({ tokenizer }: Vocabulary): Tokenizer {
  if (tokenizer) return tokenizer;
  throw new HyperionError('INVALID', 'the model has no tokenizer; give token ids for text');
}

function checkIds(ids: ArrayLike<number>, { vocabularySize }: Vocabulary): Int32Array {
  if (ids.length === 0)
    throw new HyperionError('INVALID', 'the prompt is empty; it must have at least one token');
  for (let index = 0; index < ids.length; index += 1) {
    const id = ids[index]!;
    if (Number.isInteger(id) && id >= 0 && id < vocabularySize) continue;
    const message = `token ${id} at index ${index} is not in the vocabulary; ids are from 0 to ${vocabularySize - 1}`;
    throw new HyperionError('INVALID', message, { id: Number(id), index, vocabularySize });
  }
  return Int32Array.from(ids);
}
