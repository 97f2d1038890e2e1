/** The models of `hyperion bench loading`, made for it without a network: one file for each type, which all cases of it share. */
import { join } from 'node:path';
import { type Model, openModel } from '../../inference/model';
import { SHAPES } from '../../model/sample/shapes';
import { writeSample } from '../../model/sample/write';
import { GGUF_TYPES, type SampleType } from './loading-cases';
import { type GgufShapeName, writeGgufSample } from './model-gguf';

/** Of f16 there is a folder of safetensors too, for peers that read nothing else. */
export type SampleName = SampleType | 'safetensors';

/**
 * Adds the models of those names to `models`. The caller closes them, after a failure too.
 *
 * @throws HyperionError `IO`, `CANCELLED`
 */
export async function openSamples(
  models: Map<SampleName, Model>,
  names: ReadonlySet<SampleName>,
  folder: string,
  shape: GgufShapeName,
  signal: AbortSignal,
): Promise<void> {
  for (const name of names) {
    const path = join(folder, name === 'safetensors' ? name : `${name}.gguf`);
    if (name === 'safetensors') await writeSample({ shape, dtype: 'f16', directory: path, signal });
    else await writeGgufSample(path, SHAPES[shape], GGUF_TYPES[name], signal);
    models.set(name, await openModel(path, { tokenizer: false }));
  }
}
