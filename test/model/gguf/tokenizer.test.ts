/** Tokenizers from GGUF metadata, against what Python's tokenizers and sentencepiece packages give for the same vocabularies. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readGgufHeader } from '../../../src/model/gguf/header';
import { ggufTokenizer } from '../../../src/model/gguf/tokenizer';
import { Tokenizer } from '../../../src/model/tokenizer';
import { fixture } from '../../support/fixtures';
import { sentencePieceFixture, tokenizerFixture, tokenizerOf } from '../../support/gguf';
import { errorOf } from '../../support/temporary';

/** The vocabulary of the reference models, as GGUF has it. */
const { model } = JSON.parse(readFileSync(join(fixture('llama'), 'tokenizer.json'), 'utf8'));
const TOKENS = Object.keys(model.vocab).sort((a, b) => model.vocab[a] - model.vocab[b]);
const BYTE_LEVEL = {
  'ggml.model': 'gpt2',
  'ggml.tokens': TOKENS,
  'ggml.token_type': TOKENS.map((token) => (token === '<|end|>' ? 3 : 1)),
  'ggml.merges': model.merges.map((pair: string[]) => pair.join(' ')),
  'ggml.eos_token_id': 0,
};

describe('byte-level BPE', () => {
  const { texts, ids } = tokenizerFixture('byte-level') as {
    texts: string[];
    ids: Record<string, number[][]>;
  };

  test.each(Object.keys(ids))('split as %s', async (pre) => {
    const tokenizer = await tokenizerOf({ ...BYTE_LEVEL, 'ggml.pre': pre });
    for (const [index, text] of texts.entries())
      expect([text, tokenizer.encode(text)]).toEqual([text, ids[pre]![index]]);
  });

  test('a file that does not say how text is split has the default', async () => {
    const tokenizer = await tokenizerOf(BYTE_LEVEL);
    expect(texts.map((text) => tokenizer.encode(text))).toEqual(ids.default);
  });

  test('the fixtures’ tokenizer is that of the folders', async () => {
    const { metadata } = await readGgufHeader(fixture('../gguf/llama-f16.gguf'));
    const tokenizer = ggufTokenizer(metadata)!;
    const folder = (await Tokenizer.fromFolder(fixture('llama')))!;
    for (const text of texts) {
      expect(tokenizer.encode(text)).toEqual(folder.encode(text));
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text.replaceAll('<|end|>', ''));
    }
  });

  test('the beginning and end of a text, once each', async () => {
    const both = { 'ggml.add_bos_token': true, 'ggml.add_eos_token': true, 'ggml.bos_token_id': 1 };
    const tokenizer = await tokenizerOf({ ...BYTE_LEVEL, ...both });
    const hello = (await tokenizerOf(BYTE_LEVEL)).encode('Hello');
    expect(tokenizer.encode('Hello')).toEqual([1, ...hello, 0]);
    expect(tokenizer.encode(`${TOKENS[1]}Hello`)).toEqual([1, ...hello, 0]);
    expect(tokenizer.encode('Hello', { addSpecialTokens: false })).toEqual(hello);
    expect(tokenizer.encode('')).toEqual([1, 0]);
    // Llama 3 begins every text; the file may say otherwise.
    const llama3 = { ...BYTE_LEVEL, 'ggml.pre': 'llama-bpe', 'ggml.bos_token_id': 1 };
    expect((await tokenizerOf(llama3)).encode('Hello')[0]).toBe(1);
    expect((await tokenizerOf({ ...llama3, 'ggml.add_bos_token': false })).encode('Hello')).toEqual(hello);
  });

  test('a way of splitting that is not known: tokens are decoded, texts refused by its name', async () => {
    const tokenizer = await tokenizerOf({ ...BYTE_LEVEL, 'ggml.pre': 'martian' });
    expect(tokenizer.decode([40, 69, 379, 79])).toBe('Hello');
    const error = await errorOf(() => tokenizer.encode('Hello'));
    expect(error.code).toBe('UNSUPPORTED');
    expect(error.message).toMatch(
      /pre-tokenizer 'martian', which is not supported; default, .* are\. Give token/,
    );
  });
});

describe.each(['with a space before', 'as it is'] as const)('SentencePiece, text %s', (name) => {
  const { metadata, texts, ids, decoded } = sentencePieceFixture(name);

  test('the ids of sentencepiece', async () => {
    const tokenizer = await tokenizerOf(metadata);
    for (const [index, text] of texts.entries())
      expect([text, tokenizer.encode(text)]).toEqual([text, ids[index]]);
  });

  test('its texts', async () => {
    const tokenizer = await tokenizerOf(metadata);
    for (const [index, text] of texts.entries())
      expect([text, tokenizer.decode(ids[index]!)]).toEqual([text, decoded[index]]);
  });

  test('special tokens in a text, and no second beginning', async () => {
    const tokenizer = await tokenizerOf(metadata);
    expect(tokenizer.encode('<s></s>')).toEqual([1, 2]);
    expect(tokenizer.encode('<s></s>', { addSpecialTokens: false })).toEqual([1, 2]);
  });
});

describe.each(['uncased', 'cased'])('WordPiece, %s', (name) => {
  const { texts, vocabularies } = tokenizerFixture('word-piece');
  const { tokens, ids } = vocabularies[name] as { tokens: string[]; ids: number[][] };

  test('the ids of tokenizers', async () => {
    const isSpecial = (token: string) => /^\[[A-Z]+\]$/.test(token);
    const stored = tokens.map((token) =>
      isSpecial(token) ? token : token.startsWith('##') ? token.slice(2) : `▁${token}`,
    );
    const tokenizer = await tokenizerOf({
      'ggml.model': 'bert',
      'ggml.tokens': stored,
      'ggml.token_type': tokens.map((token) => (isSpecial(token) ? 3 : 1)),
      'ggml.unknown_token_id': tokens.indexOf('[UNK]'),
      'ggml.seperator_token_id': tokens.indexOf('[SEP]'),
      'ggml.cls_token_id': tokens.indexOf('[CLS]'),
    });
    for (const [index, text] of (texts as string[]).entries())
      expect([text, tokenizer.encode(text)]).toEqual([text, ids[index]]);
  });
});

describe('vocabularies that are refused', () => {
  const cases: [string, Record<string, unknown>, string, RegExp][] = [
    [
      'a kind that is not known',
      { 'ggml.model': 't5' },
      'UNSUPPORTED',
      /tokenizer is 't5'; gpt2, llama, bert are/,
    ],
    ['no tokens', { 'ggml.tokens': undefined }, 'BAD_FORMAT', /'tokenizer\.ggml\.tokens' is missing/],
    ['tokens that are numbers', { 'ggml.tokens': [1, 2] }, 'BAD_FORMAT', /must be a list of texts/],
    ['too few types', { 'ggml.token_type': [1] }, 'BAD_FORMAT', /token_type' has 1 elements for 512 tokens/],
    [
      'an id that is no token',
      { 'ggml.eos_token_id': 512 },
      'BAD_FORMAT',
      /eos_token_id' is 512; its 512 tokens/,
    ],
    ['SentencePiece without scores', { 'ggml.model': 'llama' }, 'BAD_FORMAT', /scores' is missing/],
    ['a model that is a number', { 'ggml.model': 7 }, 'BAD_FORMAT', /'tokenizer\.ggml\.model' is 7/],
  ];

  test.each(cases)('%s', async (_, change, code, message) => {
    const metadata = Object.entries({ ...BYTE_LEVEL, ...change }).filter(([, of]) => of !== undefined);
    const error = await errorOf(async () => (await tokenizerOf(Object.fromEntries(metadata))).idOf('a'));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  test('none at all is no error', async () => {
    expect(await tokenizerOf({})).toBeNull();
  });
});
