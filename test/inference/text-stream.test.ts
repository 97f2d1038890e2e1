/** Text that comes in parts: characters stay whole, stop texts are never shown in part. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { StopWatch, TextStream } from '../../src/inference/text-stream';
import { byteTokenizer } from '../../src/model/sample/tokenizer';
import { Tokenizer } from '../../src/model/tokenizer';
import { fixture } from '../support/fixtures';
import { sentencePieceFixture, tokenizerOf } from '../support/gguf';
import { temporaryFolder } from '../support/temporary';

async function bytesTokenizer(): Promise<Tokenizer> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(byteTokenizer(300)));
  return (await Tokenizer.fromFolder(folder))!;
}

const TEXT = 'naïve Ελλάδα 日本語 👩‍👩‍👧 \u0301é\r\n\t end';

describe('TextStream', () => {
  test('a token per byte: parts join to the text, and each holds whole characters', async () => {
    const tokenizer = await bytesTokenizer();
    const ids = [...Buffer.from(TEXT)];
    expect(tokenizer.encode(TEXT)).toEqual(ids);
    const stream = new TextStream(tokenizer, []);
    const parts = ids.map((id) => stream.push(id));
    expect(parts.join('') + stream.end()).toBe(TEXT);
    expect(parts.join('')).not.toContain('\uFFFD');
    expect(parts.filter((part) => part !== '')).toEqual([...TEXT]);
  });

  test('a prompt that ends within a character', async () => {
    const bytes = [...Buffer.from('日本')];
    const stream = new TextStream(await bytesTokenizer(), bytes.slice(0, 4));
    expect(
      bytes
        .slice(4)
        .map((id) => stream.push(id))
        .join(''),
    ).toBe('本');
  });

  test('bytes that are no UTF-8 come out as U+FFFD, at the latest at the end', async () => {
    const tokenizer = await bytesTokenizer();
    const bytes = Array.from({ length: 500 }, (_, i) => 0x80 + ((i * 37) % 128));
    const stream = new TextStream(tokenizer, []);
    const parts = bytes.map((id) => stream.push(id));
    expect(parts.join('') + stream.end()).toBe(new TextDecoder().decode(Uint8Array.from(bytes)));
    // It does not wait for a valid byte to show what is certain.
    expect(parts.slice(0, 100).join('').length).toBeGreaterThan(50);
  });

  test('an unfinished character at the end', async () => {
    const stream = new TextStream(await bytesTokenizer(), []);
    expect([0x41, 0xe6, 0x97].map((id) => stream.push(id))).toEqual(['A', '', '']);
    expect([stream.end(), stream.end()]).toEqual(['\uFFFD', '']);
  });

  test('random tokens of a trained vocabulary join to what decoding them at once gives', async () => {
    const tokenizer = (await Tokenizer.fromFolder(fixture('llama')))!;
    for (let seed = 1; seed <= 20; seed += 1) {
      const ids = Array.from({ length: 60 }, (_, i) => (seed * 7919 + i * i * 104_729) % 512);
      const stream = new TextStream(tokenizer, []);
      expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(tokenizer.decode(ids));
    }
  });

  test.each(['with a space before', 'as it is'] as const)(
    'SentencePiece with bytes for what it does not know, text %s',
    async (name) => {
      const { metadata, texts, ids, decoded } = sentencePieceFixture(name);
      const tokenizer = await tokenizerOf(metadata);
      const isWhole = (part: string) => !part.includes('\uFFFD');
      for (const [index, text] of texts.entries()) {
        const stream = new TextStream(tokenizer, []);
        const parts = ids[index]!.map((id) => stream.push(id));
        expect([text, parts.every(isWhole)]).toEqual([text, true]);
        expect([text, parts.join('') + stream.end()]).toEqual([text, decoded[index]]);
      }
    },
  );

  test('bytes that a prompt ends with and an answer goes on with', async () => {
    const { metadata, texts, ids, decoded } = sentencePieceFixture('as it is');
    const tokenizer = await tokenizerOf(metadata);
    const emoji = texts.findIndex((text) => text.startsWith('👩'));
    for (let cut = 1; cut < ids[emoji]!.length; cut += 1) {
      const [prompt, answer] = [ids[emoji]!.slice(0, cut), ids[emoji]!.slice(cut)];
      const stream = new TextStream(tokenizer, prompt);
      const text = answer.map((id) => stream.push(id)).join('') + stream.end();
      expect(text).not.toContain('\uFFFD');
      expect(decoded[emoji]!.endsWith(text)).toBe(true);
    }
  });

  test('a tokenizer that drops the space at the start of a text keeps it within one', async () => {
    const folder = temporaryFolder();
    const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: false };
    const vocab = { '▁Hello': 0, '▁world': 1, '!': 2, '▁': 3 };
    const model = { type: 'BPE', vocab, merges: [], unk_token: null, byte_fallback: false, dropout: null };
    const json = {
      version: '1.0',
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: metaspace,
      post_processor: null,
    };
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ ...json, decoder: metaspace, model }));
    const tokenizer = (await Tokenizer.fromFolder(folder))!;
    const stream = new TextStream(tokenizer, [0]);
    expect([1, 1, 2].map((id) => stream.push(id))).toEqual([' world', ' world', '!']);
    expect(new TextStream(tokenizer, []).push(0)).toBe('Hello');
  });

  test('without a tokenizer there is no text', () => {
    const stream = new TextStream(null, [1]);
    expect([stream.push(5), stream.end()]).toEqual(['', '']);
  });
});

describe('StopWatch', () => {
  const through = (stops: string[], parts: string[]) => {
    const watch = new StopWatch(stops);
    const shown = parts.map((part) => watch.push(part));
    return { shown, rest: watch.end(), stopped: watch.stopped };
  };

  test('a stop text that comes in parts is never shown', () => {
    expect(through(['END'], ['aE', 'N', 'Db', 'c'])).toEqual({
      shown: ['a', '', '', ''],
      rest: '',
      stopped: true,
    });
  });

  test('what only looked like one is shown once that is known', () => {
    expect(through(['END'], ['aEN', 'x'])).toEqual({ shown: ['a', 'ENx'], rest: '', stopped: false });
    expect(through(['END'], ['aEN'])).toEqual({ shown: ['a'], rest: 'EN', stopped: false });
  });

  test('the first of several that is met', () => {
    expect(through(['bb', 'b', 'a'], ['xxb', 'a'])).toEqual({ shown: ['xx', ''], rest: '', stopped: true });
  });

  test('one that begins within a false start', () => {
    expect(through(['aab'], ['aa', 'ab'])).toEqual({ shown: ['', 'a'], rest: '', stopped: true });
  });

  test('none', () => {
    expect(through([], ['a', 'b'])).toEqual({ shown: ['a', 'b'], rest: '', stopped: false });
  });
});
