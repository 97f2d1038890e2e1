/** What a user asks a model to continue, as checked token ids. */
import { types } from 'node:util';
import { HyperionError } from '../errors';
import type { Tokenizer } from '../model/tokenizer';

/** Text, or the ids of its tokens. */
export type Prompt = string | readonly number[] | Int32Array;

/** The part of a model that prompts are held against. */
export interface Vocabulary {
  readonly tokenizer: Tokenizer | null;
  readonly vocabularySize: number;
}

/**
 * Token ids of a prompt.
 *
 * @throws HyperionError `INVALID` when it is empty, when an id is not in the vocabulary, or for text without a tokenizer
 */
export function readPrompt(prompt: Prompt, model: Vocabulary): Int32Array {
  if (typeof prompt === 'string') return checkIds(encode(prompt, model), model);
  if (Array.isArray(prompt) || types.isInt32Array(prompt)) return checkIds(prompt, model);
  throw new HyperionError(
    'INVALID',
    `the prompt is ${String(prompt)}; it must be text or a list of token ids`,
  );
}

function encode(text: string, { tokenizer }: Vocabulary): number[] {
  if (text === '')
    throw new HyperionError('INVALID', 'the prompt is empty; it must have at least one character');
  if (!tokenizer)
    throw new HyperionError('INVALID', 'the model has no tokenizer.json; give token ids for text');
  return tokenizer.encode(text);
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
