/** The small files beside a model's weights: what belongs to a model and is kept byte for byte when it is converted. */
import { join } from 'node:path';
import { ifPresent, readWhole } from './files';

export interface Companion {
  readonly name: string;
  readonly data: Uint8Array;
}

/** Beside config.json, which every format has in its own way. */
const NAMES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'generation_config.json',
  'chat_template.jinja',
  'chat_template.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'tokenizer.model',
];

/** Those that a folder has. */
export async function readCompanions(folder: string): Promise<Companion[]> {
  const found: Companion[] = [];
  for (const name of NAMES) {
    const data = await ifPresent(readWhole(join(folder, name)));
    if (data) found.push({ name, data });
  }
  return found;
}

/** True of the names above. */
export function isCompanion(name: string): boolean {
  return NAMES.includes(name);
}
