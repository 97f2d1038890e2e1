/**
 * The tokenizer in a GGUF file's metadata as a tokenizer.json, which the library reads: byte-level BPE ('gpt2'),
 * SentencePiece ('llama') and WordPiece ('bert'). What a file leaves open is as llama.cpp (llama-vocab.cpp) takes it.
 */
import type { JsonObject } from '../json';
import { Tokenizer, type TokenizerParts } from '../tokenizer';
import { ChatTemplate } from '../tokenizer-chat';
import type { GgufMetadata } from './metadata';
import { preTokenizer, preTokenizerJson, preTokenizerNames } from './pre-tokenizers';
import { mergesFromScores } from './sentence-piece';
import {
  checkVocabulary,
  readOfTokens,
  readVocabulary,
  specialToken,
  TOKEN_TYPE,
  type Vocabulary,
} from './vocabulary';

/** What kinds of tokenizers differ in. */
interface Kind {
  readonly vocabulary: Vocabulary;
  /** the parts of tokenizer.json: normalizer, pre_tokenizer, model, decoder */
  readonly json: JsonObject;
  /** tokens around every text, where the file does not say otherwise */
  readonly begin: string | undefined;
  readonly end: string | undefined;
  readonly addBegin: boolean;
  readonly addEnd: boolean;
  /** why texts cannot be encoded, though tokens can be decoded */
  readonly problem?: string;
}

const KINDS: Readonly<Record<string, (metadata: GgufMetadata) => Kind>> = {
  gpt2: byteLevel,
  llama: sentencePiece,
  bert: wordPiece,
};

/**
 * The tokenizer of a GGUF model, or null when the file has none. Its lists are read when it is first used.
 *
 * @throws HyperionError `UNSUPPORTED` for a kind that is not known, `BAD_FORMAT` naming the key
 */
export function ggufTokenizer(metadata: GgufMetadata): Tokenizer | null {
  const name = metadata.text(MODEL, 'none');
  if (name === 'none' || name === 'no_vocab') return null;
  if (!Object.hasOwn(KINDS, name))
    throw metadata.unsupported(
      `its tokenizer is '${name}'; ${Object.keys(KINDS).join(', ')} are supported. Opened with { tokenizer: false } it runs on token ids`,
    );
  checkVocabulary(metadata);
  return new Tokenizer(metadata.path, () => read(metadata, KINDS[name]!(metadata)));
}

function read(metadata: GgufMetadata, kind: Kind): TokenizerParts {
  const addBegin = metadata.flag('tokenizer.ggml.add_bos_token', kind.addBegin);
  const addEnd = metadata.flag('tokenizer.ggml.add_eos_token', kind.addEnd);
  const json = {
    added_tokens: addedTokens(kind),
    post_processor: around(addBegin ? kind.begin : undefined, addEnd ? kind.end : undefined),
    ...kind.json,
  };
  const chat = metadata.has(TEMPLATE) ? chatTemplate(metadata, kind) : undefined;
  return { json, chat, encodingProblem: kind.problem };
}

const MODEL = 'tokenizer.ggml.model';
const TEMPLATE = 'tokenizer.chat_template';

function chatTemplate(metadata: GgufMetadata, { vocabulary, begin, end }: Kind): ChatTemplate {
  const special = (key: string) => specialToken(metadata, key, vocabulary);
  return new ChatTemplate(metadata.path, metadata.text(TEMPLATE), {
    bos_token: begin,
    eos_token: end,
    unk_token: special('unknown_token_id'),
    pad_token: special('padding_token_id'),
  });
}

function byteLevel(metadata: GgufMetadata): Kind {
  const vocabulary = readVocabulary(metadata);
  const name = metadata.text('tokenizer.ggml.pre', 'default');
  const pre = preTokenizer(name);
  const merges = metadata.texts('tokenizer.ggml.merges') ?? [];
  const known = preTokenizerNames().join(', ');
  return {
    vocabulary,
    json: {
      normalizer: pre?.normalizer ? { type: pre.normalizer } : null,
      pre_tokenizer: pre ? preTokenizerJson(pre) : null,
      model: bpe(vocabulary, merges.map(readMerge), { ignore_merges: pre?.wholePieces ?? false }),
      decoder: { type: 'ByteLevel' },
    },
    begin: specialToken(metadata, 'bos_token_id', vocabulary),
    end: specialToken(metadata, 'eos_token_id', vocabulary),
    addBegin: pre?.addBos ?? false,
    addEnd: false,
    problem: pre
      ? undefined
      : `${metadata.path}: text is split by the pre-tokenizer '${name}', which is not supported; ${known} are. Give token ids for text`,
  };
}

/** 'Ġ t' is the merge of 'Ġ' and 't'; a piece may begin with the space itself. */
function readMerge(merge: string): [string, string] {
  const space = merge.indexOf(' ', 1);
  return [merge.slice(0, space), merge.slice(space + 1)];
}

function sentencePiece(metadata: GgufMetadata): Kind {
  const vocabulary = readVocabulary(metadata);
  const { tokens, types } = vocabulary;
  const scores = readOfTokens(metadata, 'scores', tokens.length);
  if (!scores) throw metadata.bad("'tokenizer.ggml.scores' is missing");
  const normal = tokens.flatMap((token, id): [string, number][] =>
    types[id] === TOKEN_TYPE.normal ? [[token, scores[id]!]] : [],
  );
  const hasPrefix = metadata.flag('tokenizer.ggml.add_space_prefix', true);
  const prepend = { type: 'Prepend', prepend: '▁' };
  const strip = { type: 'Strip', content: ' ', start: 1, stop: 0 };
  const unknown = specialToken(metadata, 'unknown_token_id', vocabulary, 0);
  return {
    vocabulary,
    json: {
      normalizer: {
        type: 'Sequence',
        normalizers: [
          ...(hasPrefix ? [prepend] : []),
          { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
        ],
      },
      pre_tokenizer: null,
      model: bpe(vocabulary, mergesFromScores(new Map(normal)), {
        unk_token: unknown,
        fuse_unk: true,
        byte_fallback: true,
      }),
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
          { type: 'ByteFallback' },
          { type: 'Fuse' },
          ...(hasPrefix ? [strip] : []),
        ],
      },
    },
    begin: specialToken(metadata, 'bos_token_id', vocabulary, 1),
    end: specialToken(metadata, 'eos_token_id', vocabulary, 2),
    addBegin: true,
    addEnd: false,
  };
}

/**
 * GGUF marks the pieces that begin a word with '▁', where tokenizer.json marks those that go on with '##'. Whether case
 * matters it does not say, but a vocabulary that has capitals has them to be matched.
 */
function wordPiece(metadata: GgufMetadata): Kind {
  const stored = readVocabulary(metadata);
  const tokens = stored.tokens.map((token, id) => {
    if (token.startsWith('▁')) return token.slice(1);
    const isSpecial = stored.types[id] !== TOKEN_TYPE.normal || /^\[.+\]$/.test(token);
    return isSpecial ? token : `##${token}`;
  });
  const vocabulary = { ...stored, tokens };
  const isCased = tokens.some((token) => /^[A-Z]/.test(token));
  const begin = metadata.has('tokenizer.ggml.cls_token_id') ? 'cls_token_id' : 'bos_token_id';
  return {
    vocabulary,
    json: {
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase: !isCased,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      model: {
        type: 'WordPiece',
        vocab: vocabOf(vocabulary),
        unk_token: specialToken(metadata, 'unknown_token_id', vocabulary) ?? '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
      },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    },
    begin: specialToken(metadata, begin, vocabulary) ?? known(vocabulary, '[CLS]'),
    end: specialToken(metadata, 'seperator_token_id', vocabulary) ?? known(vocabulary, '[SEP]'),
    addBegin: true,
    addEnd: true,
  };
}

function known({ tokens }: Vocabulary, token: string): string | undefined {
  return tokens.includes(token) ? token : undefined;
}

function bpe(vocabulary: Vocabulary, merges: readonly [string, string][], rest: JsonObject): JsonObject {
  return { type: 'BPE', vocab: vocabOf(vocabulary), merges, ...rest };
}

function vocabOf({ tokens }: Vocabulary): Record<string, number> {
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

/** Tokens that are met in a text as they stand, before it is split: control tokens, and what the user has defined. */
function addedTokens({ vocabulary, begin, end }: Kind): object[] {
  const { tokens, types } = vocabulary;
  const special = new Set([begin, end]);
  return tokens.flatMap((content, id) => {
    const isSpecial =
      types[id] === TOKEN_TYPE.control || types[id] === TOKEN_TYPE.unknown || special.has(content);
    if (content === '' || (!isSpecial && types[id] !== TOKEN_TYPE.userDefined)) return [];
    return [
      {
        id,
        content,
        special: isSpecial,
        normalized: false,
        single_word: false,
        lstrip: false,
        rstrip: false,
      },
    ];
  });
}

function around(begin: string | undefined, end: string | undefined): object | null {
  if (begin === undefined && end === undefined) return null;
  const token = (id: string | undefined) => (id === undefined ? [] : [{ SpecialToken: { id, type_id: 0 } }]);
  const text = { Sequence: { id: 'A', type_id: 0 } };
  return { type: 'TemplateProcessing', single: [...token(begin), text, ...token(end)], pair: [] };
}
