/** A tokenizer.json for models that were never trained: one token for each byte, and names for all other ids. */

/**
 * Byte-level BPE without merges. Ids 0 to 255 are the bytes; the rest, `<256>` and so on, only make generated ids visible.
 * The alphabet in which byte-level tokenizers write bytes is GPT-2's: printable bytes as themselves, the others from
 * U+0100 on.
 */
export function byteTokenizer(vocabularySize: number): object {
  const vocab: Record<string, number> = {};
  let unprintable = 0;
  for (let byte = 0; byte < 256; byte += 1) {
    vocab[String.fromCharCode(isPrintable(byte) ? byte : 256 + unprintable++)] = byte;
  }
  for (let id = 256; id < vocabularySize; id += 1) vocab[`<${id}>`] = id;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: [],
    },
  };
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}
