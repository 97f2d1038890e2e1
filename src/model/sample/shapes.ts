/** Shapes of published models: the hyperparameters of their config.json, by name. */
import { HyperionError } from '../../errors';

/** The sizes that set a shape. */
export interface Shape {
  readonly family: 'llama' | 'qwen2' | 'gpt2';
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly intermediate: number;
  readonly vocab: number;
  readonly context: number;
  readonly tied: boolean;
  readonly eps: number;
  /** of the rotary embedding; gpt2 has none */
  readonly ropeTheta: number;
}

/** As published on the Hugging Face hub: TinyLlama/TinyLlama-1.1B, HuggingFaceTB/SmolLM2-135M, Qwen/Qwen2-0.5B, gpt2. */
export const SHAPES = {
  'tinyllama-1.1b': {
    family: 'llama',
    layers: 22,
    hidden: 2048,
    heads: 32,
    kvHeads: 4,
    intermediate: 5632,
    vocab: 32_000,
    context: 2048,
    tied: false,
    eps: 1e-5,
    ropeTheta: 10_000,
  },
  'smollm2-135m': {
    family: 'llama',
    layers: 30,
    hidden: 576,
    heads: 9,
    kvHeads: 3,
    intermediate: 1536,
    vocab: 49_152,
    context: 8192,
    tied: true,
    eps: 1e-5,
    ropeTheta: 100_000,
  },
  'qwen2-0.5b': {
    family: 'qwen2',
    layers: 24,
    hidden: 896,
    heads: 14,
    kvHeads: 2,
    intermediate: 4864,
    vocab: 151_936,
    context: 131_072,
    tied: true,
    eps: 1e-6,
    ropeTheta: 1_000_000,
  },
  gpt2: {
    family: 'gpt2',
    layers: 12,
    hidden: 768,
    heads: 12,
    kvHeads: 12,
    intermediate: 3072,
    vocab: 50_257,
    context: 1024,
    tied: true,
    eps: 1e-5,
    ropeTheta: 0,
  },
} as const satisfies Readonly<Record<string, Shape>>;

export type ShapeName = keyof typeof SHAPES;

/** Throws HyperionError `INVALID` when the sizes cannot make a model together. */
export function checkShape({ family, hidden, heads, kvHeads, vocab }: Shape): void {
  const fail = (problem: string) => new HyperionError('INVALID', problem);
  if (hidden % (2 * heads) !== 0)
    throw fail(`hidden is ${hidden}; it must be a multiple of 2 * heads, ${2 * heads}`);
  if (heads % kvHeads !== 0) throw fail(`kvHeads is ${kvHeads}; heads, ${heads}, must be a multiple of it`);
  if (family === 'gpt2' && kvHeads !== heads)
    throw fail(`kvHeads is ${kvHeads}; gpt2 has as many as heads, ${heads}`);
  if (vocab < 256) throw fail(`vocab is ${vocab}; it must be at least 256, one token for each byte`);
}
