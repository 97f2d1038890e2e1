/** A GGUF model from its files: tensors, configuration and tokenizer, all from the header. */
import type { ModelContents } from '../contents';
import { ggufConfig } from './config';
import type { GgufMetadata } from './metadata';
import { ggufName } from './names';
import { readGgufParts } from './parts';
import { ggufTokenizer } from './tokenizer';

/**
 * Reads the header of a model in one GGUF file, or in all of its parts.
 *
 * @throws HyperionError `IO`, `BAD_FORMAT` or `UNSUPPORTED`, naming the file, and the key or tensor
 */
export async function openGguf(path: string, options: { tokenizer: boolean }): Promise<ModelContents> {
  const header = await readGgufParts(path);
  const { metadata, tensors } = header;
  const config = await ggufConfig(header);
  const architecture = metadata.text('general.architecture');
  return {
    configPath: metadata.path,
    config,
    tensors,
    tokenizer: options.tokenizer ? ggufTokenizer(metadata) : null,
    endIds: endIds(metadata),
    fileName: (canonical) => ggufName(architecture, canonical),
  };
}

/** End of text, end of a turn, end of a message to a tool. */
function endIds(metadata: GgufMetadata): number[] {
  const keys = ['eos', 'eot', 'eom'].map((name) => `tokenizer.ggml.${name}_token_id`);
  return [...new Set(keys.filter((key) => metadata.has(key)).map((key) => metadata.count(key)))];
}
