/** Small tokenizers of each kind that published models have. */

const added = (id: number, content: string, special = true) => ({
  ...{ id, content, special, single_word: false, lstrip: false, rstrip: false, normalized: false },
});

const ASCII = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
const numbered = (tokens: readonly string[]) =>
  Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id]));
const BYTES = ['<0x0A>', '<0xC3>', '<0xA9>', '<0xE6>', '<0xF0>'];
const PAIR = [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
const GPT4 =
  "(?i:'s|'t|'re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s+(?!\\S)|\\s+";

export const TOKENIZERS: Readonly<Record<string, object>> = {
  byteLevel: {
    normalizer: null,
    added_tokens: [added(0, '<s>')],
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: GPT4 }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: {
      type: 'TemplateProcessing',
      single: PAIR,
      pair: PAIR,
      special_tokens: { '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] } },
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      ignore_merges: true,
      vocab: numbered(['<s>', ...ASCII, 'Ġ', 'Ċ', 'ĉ', 'Ã', '©', 'he', 'lo', 'wo']),
      merges: [
        ['h', 'e'],
        ['l', 'o'],
        ['w', 'o'],
      ],
    },
  },
  sentencePiece: {
    added_tokens: [added(0, '<unk>'), added(1, '<s>'), added(2, '<pad>', false)],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab: numbered(['<unk>', '<s>', '<pad>', ...BYTES, '▁', ...ASCII, '▁w', 'or']),
      merges: ['▁ w', 'o r'],
    },
  },
  unigram: {
    added_tokens: [added(0, '<unk>')],
    normalizer: { type: 'NFKC' },
    post_processor: null,
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'always' },
    decoder: { type: 'Metaspace', replacement: '▁', add_prefix_space: true },
    model: {
      type: 'Unigram',
      unk_id: 0,
      vocab: ['<unk>', '▁', ...ASCII.slice(1), '▁wor', 'ld'].map((token, i) => [token, -i / 8]),
    },
  },
  wordPiece: {
    added_tokens: [added(0, '[UNK]'), added(1, '[CLS]'), added(2, '[SEP]')],
    normalizer: {
      ...{ type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true },
      ...{ strip_accents: null, lowercase: true },
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: 'BertProcessing', sep: ['[SEP]', 2], cls: ['[CLS]', 1] },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: numbered(['[UNK]', '[CLS]', '[SEP]', ...ASCII.slice(1), 'hello', 'wor', '##ld', '##1']),
    },
  },
};
