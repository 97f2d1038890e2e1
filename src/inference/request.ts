/** What a generation is asked, held against its model. */
import { checkChoice, checkInteger } from '../checks';
import { HyperionError } from '../errors';
import type { Tokenizer } from '../model/tokenizer';
import { type GenerateOptions, resolveSampling, resolveStops, type Sampling } from './options';
import { type Prompt, readPrompt, type Vocabulary } from './prompt';

/** The part of a model that a generation is held against. */
export interface GeneratingModel extends Vocabulary {
  readonly contextLength: number;
  readonly endIds: readonly number[];
}

/** A generation's request, checked. */
export interface Request {
  readonly prompt: Int32Array;
  readonly maxTokens: number;
  /** tokens that its sequence has at most: the last generated one is never computed itself */
  readonly length: number;
  readonly sampling: Sampling;
  readonly stops: readonly string[];
  readonly speculate: 'none' | 'prompt-lookup';
  readonly endIds: readonly number[];
  readonly vocabularySize: number;
  readonly tokenizer: Tokenizer | null;
  readonly signal: AbortSignal;
  /** ends the step that runs when the iteration is left */
  readonly leave: AbortController;
}

const DEFAULT_MAX_TOKENS = 64;

/** @throws HyperionError `INVALID` for the prompt or an option */
export function resolveRequest(
  prompt: Prompt,
  model: GeneratingModel,
  options: GenerateOptions,
  { signal, leave }: Pick<Request, 'signal' | 'leave'>,
): Request {
  const { vocabularySize, tokenizer, endIds } = model;
  const ids = readPrompt(prompt, model);
  const maxTokens = resolveMaxTokens(options.maxTokens, ids.length, model.contextLength);
  return {
    prompt: ids,
    maxTokens,
    length: ids.length + maxTokens - 1,
    sampling: resolveSampling(options),
    stops: resolveStops(options.stop),
    speculate: checkChoice('speculate', options.speculate ?? 'none', ['none', 'prompt-lookup']),
    endIds,
    vocabularySize,
    tokenizer,
    signal,
    leave,
  };
}

/** Tokens for which a context has room after so many. @throws HyperionError `INVALID` when there are too many already */
export function roomAfter(tokens: number, contextLength: number): number {
  if (tokens <= contextLength) return contextLength - tokens;
  const message = `${tokens} tokens exceed the context of ${contextLength}; leave out ${tokens - contextLength}`;
  throw new HyperionError('INVALID', message, { tokens, contextLength });
}

function resolveMaxTokens(option: number | undefined, promptTokens: number, contextLength: number): number {
  // The last generated token may stand behind the end of the context.
  const atMost = roomAfter(promptTokens, contextLength) + 1;
  const maxTokens = checkInteger('maxTokens', option ?? Math.min(DEFAULT_MAX_TOKENS, atMost), 1, 2 ** 31);
  if (maxTokens <= atMost) return maxTokens;
  const message =
    `${promptTokens} prompt tokens and maxTokens ${maxTokens} exceed the context of ${contextLength} tokens; ` +
    `maxTokens can be ${atMost}`;
  throw new HyperionError('INVALID', message, { promptTokens, maxTokens, contextLength });
}
