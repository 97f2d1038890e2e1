/** Reference models as GGUF files, converted as llama.cpp's convert_hf_to_gguf.py converts them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from './fixtures';
import { toFloat32 } from './floats';
import { type TensorToWrite, value, writeGguf } from './gguf';

type Names = readonly (readonly [pattern: RegExp, replacement: string])[];
type Config = Record<string, number>;

interface Family {
  readonly names: Names;
  readonly metadata: (config: Config) => Record<string, unknown>;
  /** the matrix as the file has it */
  readonly change?: (name: string, matrix: Matrix, config: Config) => Matrix;
}

interface Matrix {
  /** the number that GGUF gives to its element type */
  readonly dtype: number;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const LAYER = [/^(model\.layers|transformer\.h|encoder\.layer)\./, 'blk.'] as const;

const DECODER: Names = [
  [/^model\.embed_tokens/, 'token_embd'],
  [/^model\.norm/, 'output_norm'],
  [/^lm_head/, 'output'],
  LAYER,
  [/input_layernorm/, 'attn_norm'],
  [/post_attention_layernorm/, 'ffn_norm'],
  [/self_attn\.([qkv])_proj/, 'attn_$1'],
  [/self_attn\.o_proj/, 'attn_output'],
  [/self_attn\.([qk])_norm/, 'attn_$1_norm'],
  [/mlp\.(gate|up|down)_proj/, 'ffn_$1'],
];

const FOUR_NORMS: Names = [
  ...DECODER.filter(([, by]) => by !== 'ffn_norm'),
  [/post_attention_layernorm/, 'post_attention_norm'],
  [/pre_feedforward_layernorm/, 'ffn_norm'],
  [/post_feedforward_layernorm/, 'post_ffw_norm'],
];

const gemmaMetadata = (config: Config) => ({
  ...decoderMetadata(config),
  attn_logit_softcapping: config.attn_logit_softcapping && asFloat(config.attn_logit_softcapping),
  final_logit_softcapping: asFloat(config.final_logit_softcapping!),
});

/** The files have the 1 added that Gemma's norms add to their weights. */
const addOne: Family['change'] = (name, matrix) =>
  /norm\.weight/.test(name) ? mapFloats(matrix, (number) => number + 1) : matrix;

const decoderMetadata = (config: Config) => ({
  context_length: config.max_position_embeddings,
  embedding_length: config.hidden_size,
  block_count: config.num_hidden_layers,
  feed_forward_length: config.intermediate_size,
  'attention.head_count': config.num_attention_heads,
  'attention.head_count_kv': config.num_key_value_heads,
  'attention.key_length': config.head_dim,
  'attention.value_length': config.head_dim,
  'attention.sliding_window': config.sliding_window,
  'attention.layer_norm_rms_epsilon': asFloat(config.rms_norm_eps!),
  ...ropeMetadata(config.rope_parameters as unknown as Config, config),
});

/** @param parameters those of full attention, where sliding attention has its own */
function ropeMetadata(
  { rope_theta, rope_type, factor, partial_rotary_factor, original_max_position_embeddings }: Config,
  config: Config,
) {
  const headDim = config.head_dim ?? config.hidden_size! / config.num_attention_heads!;
  const scaling = rope_type as unknown as string;
  return {
    'rope.freq_base': rope_theta && asFloat(rope_theta),
    'rope.dimension_count': Math.trunc(headDim * (partial_rotary_factor ?? 1)),
    'rope.scaling.type': scaling === 'linear' || scaling === 'yarn' ? scaling : undefined,
    'rope.scaling.factor': factor && asFloat(factor),
    'rope.scaling.original_context_length': original_max_position_embeddings,
  };
}

const llama: Family = {
  names: DECODER,
  metadata: decoderMetadata,
  // Halves of a head are interleaved: row 2i is i of the first half, row 2i + 1 i of the second.
  change: (name, matrix, config) => {
    const heads = /_q\./.test(name) ? config.num_attention_heads! : config.num_key_value_heads!;
    return /attn_[qk]\./.test(name) ? interleaved(matrix, heads) : matrix;
  },
};

const FAMILIES: Readonly<Record<string, Family>> = {
  llama,
  qwen2: { names: DECODER, metadata: decoderMetadata },
  qwen3: { names: DECODER, metadata: decoderMetadata },
  gemma2: { names: FOUR_NORMS, metadata: gemmaMetadata, change: addOne },
  gemma3: {
    names: FOUR_NORMS,
    metadata: (config) => {
      const { full_attention, sliding_attention } = config.rope_parameters as unknown as Record<
        string,
        Config
      >;
      return {
        ...gemmaMetadata({ ...config, rope_parameters: full_attention as never }),
        'rope.freq_base_swa': asFloat(sliding_attention!.rope_theta!),
        'attention.sliding_window_pattern': (config.layer_types as unknown as string[]).map(
          (type) => type === 'sliding_attention',
        ),
      };
    },
    change: addOne,
  },
  phi3: {
    names: [[/self_attn\.qkv_proj/, 'attn_qkv'], [/mlp\.gate_up_proj/, 'ffn_up'], ...DECODER],
    metadata: decoderMetadata,
  },
  gpt2: {
    names: [
      [/^transformer\.wte/, 'token_embd'],
      [/^transformer\.wpe/, 'position_embd'],
      [/^transformer\.ln_f/, 'output_norm'],
      LAYER,
      [/ln_1/, 'attn_norm'],
      [/ln_2/, 'ffn_norm'],
      [/attn\.c_attn/, 'attn_qkv'],
      [/attn\.c_proj/, 'attn_output'],
      [/mlp\.c_fc/, 'ffn_up'],
      [/mlp\.c_proj/, 'ffn_down'],
    ],
    metadata: (config) => ({
      context_length: config.n_positions,
      embedding_length: config.n_embd,
      block_count: config.n_layer,
      feed_forward_length: 4 * config.n_embd!,
      'attention.head_count': config.n_head,
      'attention.layer_norm_epsilon': asFloat(config.layer_norm_epsilon!),
    }),
    change: (name, matrix) => (/^blk.*(qkv|output|up|down)\.weight/.test(name) ? transposed(matrix) : matrix),
  },
  bert: {
    names: [
      [/^embeddings\.word_embeddings/, 'token_embd'],
      [/^embeddings\.position_embeddings/, 'position_embd'],
      [/^embeddings\.token_type_embeddings/, 'token_types'],
      [/^embeddings\.LayerNorm/, 'token_embd_norm'],
      LAYER,
      [/attention\.self\.(q|k|v)[a-z]*/, 'attn_$1'],
      [/attention\.output\.dense/, 'attn_output'],
      [/attention\.output\.LayerNorm/, 'attn_output_norm'],
      [/intermediate\.dense/, 'ffn_up'],
      [/output\.dense/, 'ffn_down'],
      [/output\.LayerNorm/, 'layer_output_norm'],
    ],
    metadata: (config) => ({
      context_length: config.max_position_embeddings,
      embedding_length: config.hidden_size,
      block_count: config.num_hidden_layers,
      feed_forward_length: config.intermediate_size,
      'attention.head_count': config.num_attention_heads,
      'attention.layer_norm_epsilon': asFloat(config.layer_norm_eps!),
      'attention.causal': false,
    }),
  },
};

/** The number of an element type. */
const TYPES: Readonly<Record<string, number>> = { F32: 0, F16: 1, BF16: 30 };

/** Writes a reference model as one GGUF file, and gives its path. */
export function convertToGguf(folder: string, architecture: string): string {
  const { names, metadata, change = (_, matrix) => matrix } = FAMILIES[architecture]!;
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  const shards = readdirSync(folder).filter((file) => /^model.*\.safetensors$/.test(file));
  const stored = shards.flatMap((file) => Object.entries(readSafetensors(join(folder, file))));
  const tensors = stored.map(([canonical, { dtype, shape, bytes }]): TensorToWrite => {
    const renamed = names.reduce((text, [pattern, by]) => text.replace(pattern, by), canonical);
    const matrix = change(renamed, { dtype: TYPES[dtype]!, shape, bytes }, config);
    return { name: renamed, shape: matrix.shape, data: matrix.bytes, type: matrix.dtype };
  });
  const entries = Object.entries(metadata(config)).filter(([, of]) => of !== undefined && of !== null);
  const keys = entries.map(([key, of]) => [`${architecture}.${key}`, of]);
  const full = { 'general.architecture': architecture, ...Object.fromEntries(keys) };
  return writeGguf({ metadata: full, tensors: [...tensors, ...ropeTensors(config)] });
}

/** Factors of Phi-3's longrope are tensors. */
function ropeTensors({ rope_parameters }: { rope_parameters?: Record<string, number[]> }): TensorToWrite[] {
  return ['short', 'long'].flatMap((length) => {
    const factors = rope_parameters?.[`${length}_factor`];
    const data = new Uint8Array(Float32Array.from(factors ?? []).buffer);
    return factors ? [{ name: `rope_factors_${length}.weight`, shape: [factors.length], data }] : [];
  });
}

/** Vectors are float32 in GGUF files, whatever they were. */
function mapFloats({ dtype, shape, bytes }: Matrix, change: (number: number) => number): Matrix {
  const name = (['F32', 'F16'] as const)[dtype] ?? 'BF16';
  const changed = toFloat32(Uint8Array.from(bytes), name).map(change);
  return { dtype: TYPES.F32!, shape, bytes: new Uint8Array(changed.buffer) };
}

/** A whole number, too, is written as a float where GGUF wants one. */
function asFloat(number: number) {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(number);
  return { type: value(0.5).type, bytes };
}

/** Works on matrices and on vectors, whose rows are single numbers. */
function interleaved({ dtype, shape, bytes }: Matrix, heads: number): Matrix {
  const rows = shape[0]!;
  const rowBytes = bytes.length / rows;
  const half = rows / heads / 2;
  const out = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row += 1) {
    const [head, within] = [Math.floor(row / (2 * half)), row % (2 * half)];
    const from = head * 2 * half + (within % 2) * half + Math.floor(within / 2);
    out.set(bytes.subarray(from * rowBytes, (from + 1) * rowBytes), row * rowBytes);
  }
  return { dtype, shape, bytes: out };
}

function transposed({ dtype, shape, bytes }: Matrix): Matrix {
  const [rows, columns] = shape as [number, number];
  const element = bytes.length / (rows * columns);
  const out = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1) {
      const from = (row * columns + column) * element;
      out.set(bytes.subarray(from, from + element), (column * rows + row) * element);
    }
  return { dtype, shape: [columns, rows], bytes: out };
}
