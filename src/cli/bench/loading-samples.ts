/** The models of `hyperion bench loading`, made for it without a network: one file for each type, which all cases of it share. */
import { join } from 'node:path';
import { HyperionError } from '../../errors';
import { type Model, openModel } from '../../inference/model';
import type { Shape } from '../../model/sample/shapes';
import { type CaseDescription, GGUF_TYPES, type SampleType } from './loading-cases';
import { writeGgufSample } from './model-gguf';

/**
 * Adds the models that the cases need to `models`. The caller closes them, after a failure too.
 *
 * @throws HyperionError `CANCELLED`
 */
export async function openSamples(
  models: Map<SampleType, Model>,
  folder: string,
  shape: Shape,
  cases: readonly CaseDescription[],
  signal: AbortSignal,
): Promise<void> {
  for (const type of new Set(cases.map((each) => each.type))) {
    const path = join(folder, `${type}.gguf`);
    await writeGgufSample(path, shape, GGUF_TYPES[type]);
    if (signal.aborted) throw new HyperionError('CANCELLED', 'the benchmark was cancelled');
    models.set(type, await openModel(path, { tokenizer: false }));
  }
}
