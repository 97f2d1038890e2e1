/** A GGUF file: magic, version, counts, typed metadata, tensors, data; with the configuration and the tokenizer in it. */

import {
  type GgufMetadata,
  type GgufTensor,
  ggufAligned,
  ggufBytesOf,
  ggufHeader,
} from '../../../src/cli/bench/gguf-writer';
import { openModel } from '../../../src/inference/model';
import type { Field } from '../fields';
import type { Reader } from '../reader';
import { useTokenizer } from './folder';

export const gguf: Reader = {
  name: 'gguf',
  seeds: () =>
    Object.entries(VOCABULARIES).map(([name, vocabulary]) => ({
      name,
      file: 'model.gguf',
      files: { 'model.gguf': fileOf({ ...MODEL, ...vocabulary }) },
    })),
  layout: ggufLayout,
  async read(_, file) {
    const model = await openModel(file);
    try {
      model.plan();
      if (model.tokenizer) useTokenizer(model.tokenizer);
    } finally {
      model.close();
    }
  },
};

/** Widths of scalars by type; 8 is text and 9 a list. */
const WIDTHS: Readonly<Record<number, 1 | 2 | 4 | 8>> = {
  ...{ 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 },
};
const [TEXT_TYPE, LIST_TYPE] = [8, 9];
/** Of longer lists the rest is bytes. */
const MOST_ELEMENTS = 64;

/** As far as the bytes make sense; the rest is one field. */
export function ggufLayout(bytes: Uint8Array): readonly Field[] {
  const reader = new FieldReader(bytes);
  try {
    reader.bytes(4);
    reader.number(4);
    const tensors = reader.number(8);
    const keys = reader.number(8);
    for (let i = 0; i < keys; i += 1) {
      reader.text();
      readValue(reader, reader.number(4));
    }
    for (let i = 0; i < tensors; i += 1) {
      reader.text();
      const dimensions = reader.number(4);
      for (let j = 0; j < dimensions; j += 1) reader.number(8);
      reader.number(4);
      reader.number(8);
    }
  } catch {
    // what is left is not what was announced
  }
  return reader.end();
}

function readValue(reader: FieldReader, type: number): void {
  if (type === TEXT_TYPE) reader.text();
  else if (type === LIST_TYPE) readList(reader);
  else reader.number(widthOf(type));
}

function readList(reader: FieldReader): void {
  const element = reader.number(4);
  const count = reader.number(8);
  const shown = Math.min(count, MOST_ELEMENTS);
  for (let i = 0; i < shown; i += 1) readValue(reader, element);
  if (shown < count) reader.bytes((count - shown) * widthOf(element));
}

function widthOf(type: number): 1 | 2 | 4 | 8 {
  const width = WIDTHS[type];
  if (!width) throw new Error('no such type');
  return width;
}

/** Takes fields from the front. Throws at what would leave the bytes. */
class FieldReader {
  readonly #fields: Field[] = [];
  readonly #all: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  number(width: 1 | 2 | 4 | 8): number {
    const content = this.#take(width);
    const value = [...content].reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    this.#fields.push({ kind: 'number', width, value });
    return Number(value);
  }

  text(): void {
    const length = this.#peekLength();
    this.#take(8);
    this.#fields.push({ kind: 'bytes', prefix: 8, content: this.#take(length) });
  }

  bytes(length: number): void {
    this.#fields.push({ kind: 'bytes', prefix: 0, content: this.#take(length) });
  }

  end(): readonly Field[] {
    this.bytes(this.#all.length - this.#at);
    return this.#fields;
  }

  /** Refused before the length is taken, so that no field is lost. */
  #peekLength(): number {
    const length = this.#at + 8 <= this.#all.length ? Number(this.#all.readBigUInt64LE(this.#at)) : Infinity;
    if (this.#at + 8 + length > this.#all.length) throw new Error('a text that is not there');
    return length;
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.#all.length) throw new Error('bytes that are not there');
    this.#at += length;
    return this.#all.subarray(this.#at - length, this.#at);
  }
}

const WIDTH = 32;
const MODEL: GgufMetadata = {
  'general.architecture': 'llama',
  'general.alignment': 32,
  'llama.block_count': 1,
  'llama.context_length': 64,
  'llama.embedding_length': WIDTH,
  'llama.feed_forward_length': WIDTH,
  'llama.attention.head_count': 2,
  'llama.attention.head_count_kv': 1,
  'llama.attention.layer_norm_rms_epsilon': { f32: 1e-5 },
  'llama.rope.freq_base': { f32: 10_000 },
  'llama.rope.dimension_count': WIDTH / 2,
  'llama.vocab_size': 16,
};

const BYTE_TOKENS = ['<s>', '</s>', 'h', 'e', 'l', 'o', 'w', 'r', 'd', 'Ġ', '!', 'he', 'lo', ',', '1', '2'];
const PIECES = [
  '<unk>',
  '<s>',
  '</s>',
  '<0x0A>',
  '▁',
  'H',
  'e',
  'l',
  'o',
  'w',
  'r',
  'd',
  '▁w',
  'or',
  ',',
  '!',
];

const VOCABULARIES: Readonly<Record<string, GgufMetadata>> = {
  byteLevel: {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'llama-bpe',
    'tokenizer.ggml.tokens': BYTE_TOKENS,
    'tokenizer.ggml.token_type': { i32s: BYTE_TOKENS.map((_, id) => (id < 2 ? 3 : 1)) },
    'tokenizer.ggml.merges': ['h e', 'l o'],
    'tokenizer.ggml.bos_token_id': 0,
    'tokenizer.ggml.eos_token_id': 1,
  },
  sentencePiece: {
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': PIECES,
    'tokenizer.ggml.scores': { f32s: PIECES.map((_, id) => -id) },
    'tokenizer.ggml.token_type': { i32s: [2, 3, 3, 6, ...PIECES.slice(4).map(() => 1)] },
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.eos_token_id': 2,
    'tokenizer.chat_template': '{% for m in messages %}{{ m.content }}{% endfor %}',
  },
};

const square = (name: string): GgufTensor => ({ name, type: 'Q8_0', shape: [WIDTH, WIDTH] });
const norm = (name: string): GgufTensor => ({ name, type: 'F32', shape: [WIDTH] });
const TENSORS: readonly GgufTensor[] = [
  { name: 'token_embd.weight', type: 'F16', shape: [16, WIDTH] },
  norm('blk.0.attn_norm.weight'),
  square('blk.0.attn_q.weight'),
  ...['k', 'v'].map(
    (name): GgufTensor => ({
      ...{ name: `blk.0.attn_${name}.weight`, type: 'Q8_0', shape: [WIDTH / 2, WIDTH] },
    }),
  ),
  square('blk.0.attn_output.weight'),
  norm('blk.0.ffn_norm.weight'),
  ...['gate', 'up', 'down'].map((name) => square(`blk.0.ffn_${name}.weight`)),
  norm('output_norm.weight'),
];

function fileOf(metadata: GgufMetadata): Uint8Array {
  const data = TENSORS.reduce((offset, tensor) => ggufAligned(offset + ggufBytesOf(tensor)), 0);
  return Buffer.concat([ggufHeader(metadata, TENSORS), Buffer.alloc(data)]);
}
