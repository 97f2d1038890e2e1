/**
 * How byte-level BPE vocabularies split a text before merging: the kinds that GGUF files name in `tokenizer.ggml.pre`. The
 * patterns are those of the models' own tokenizer.json; which name stands for which: llama.cpp, llama-vocab.cpp.
 */

export interface PreTokenizer {
  /** patterns whose matches stand alone, one after the other; then GPT-2's, unless `own` */
  readonly splits: readonly string[];
  /** whether the splits are all, without GPT-2's pattern after them */
  readonly own: boolean;
  /** a piece that is a token is taken as it is, whatever the merges would make of it */
  readonly wholePieces?: boolean;
  readonly normalizer?: 'NFC';
  /** whether a text begins with the token for its beginning where the file does not say */
  readonly addBos?: boolean;
}

const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** Since GPT-4: contractions in any case, a word with one character before it, so many digits, and what is neither. */
const words = (digits: string) =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${SPACES}`;

const SPACES = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const UPPER = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const LOWER = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';

/** The same with words that end before a capital. */
const capitalizedWords = (digits: string, ending: string) => {
  const word = (upper: string, lower: string) => `[^\\r\\n\\p{L}\\p{N}]?${upper}${lower}${ending}`;
  const either = `${word(`${UPPER}*`, `${LOWER}+`)}|${word(`${UPPER}+`, `${LOWER}*`)}`;
  return `${either}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`;
};

const GPT2: PreTokenizer = { splits: [], own: false };
const LLAMA3: PreTokenizer = { splits: [words('\\p{N}{1,3}')], own: true };
const LLAMA3_WHOLE: PreTokenizer = { ...LLAMA3, wholePieces: true, addBos: true };
const QWEN2: PreTokenizer = { splits: [words('\\p{N}')], own: true };
const SINGLE_DIGITS: PreTokenizer = { splits: ['\\p{N}'], own: false };
const GPT4O: PreTokenizer = {
  splits: [capitalizedWords('\\p{N}{1,3}', "(?i:'s|'t|'re|'ve|'m|'ll|'d)?")],
  own: true,
};

const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map([
  [
    'default',
    {
      splits: ['[\\p{P}\\$\\+<=>\\^~\\|]+', GPT2_PATTERN, '\\p{N}+', '[0-9][0-9][0-9]'],
      own: true,
    },
  ],
  ['falcon', { splits: ['[\\p{P}\\$\\+<=>\\^~\\|`]+', GPT2_PATTERN, '[0-9][0-9][0-9]'], own: true }],
  ...['gpt-2', 'phi-2', 'mpt', 'olmo', 'exaone4'].map((name) => [name, GPT2] as const),
  ...['llama3', 'llama-v3', 'llama-bpe', 'falcon3'].map((name) => [name, LLAMA3_WHOLE] as const),
  ...['dbrx', 'smaug-bpe', 'chatglm-bpe', 'glm4'].map((name) => [name, LLAMA3] as const),
  ['qwen2', { ...QWEN2, normalizer: 'NFC' }],
  ...['deepseek-r1-qwen', 'stablelm2'].map((name) => [name, QWEN2] as const),
  ...['starcoder', 'refact', 'command-r', 'smollm', 'codeshell', 'exaone', 'minerva-7b'].map(
    (name) => [name, SINGLE_DIGITS] as const,
  ),
  ['tekken', { splits: [capitalizedWords('\\p{N}', '')], own: true, wholePieces: true, addBos: true }],
  ...['gpt-4o', 'llama4'].map((name) => [name, GPT4O] as const),
]);

/** The pre-tokenizer that a file names; undefined when it is not known. Without a name it is llama.cpp's default. */
export function preTokenizer(name = 'default'): PreTokenizer | undefined {
  return PRE_TOKENIZERS.get(name);
}

/** The same as tokenizer.json writes it; bytes are written as printable characters at the end. */
export function preTokenizerJson({ splits, own }: PreTokenizer): object {
  const steps = splits.map((pattern) => ({
    type: 'Split',
    pattern: { Regex: pattern },
    behavior: 'Isolated',
    invert: false,
  }));
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: !own };
  return { type: 'Sequence', pretokenizers: [...steps, bytes] };
}

/** The names that `preTokenizer` knows. */
export function preTokenizerNames(): string[] {
  return [...PRE_TOKENIZERS.keys()];
}
