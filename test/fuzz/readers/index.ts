/** Every reader that is fuzzed. */
import type { Reader } from '../reader';
import { config, sharded, tokenizer } from './folder';
import { gguf } from './gguf';
import { safetensors } from './safetensors';
import { tmai } from './tmai';

export const READERS: readonly Reader[] = [safetensors, sharded, config, tokenizer, gguf, tmai];
