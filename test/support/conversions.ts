/** What must be the same of a model before and after it is converted. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Model, openModel } from '../../src/inference/model';
import { openCheckpoint } from '../../src/model/checkpoint';

/** name -> dtype, shape and what the bytes are, read without the engine */
export async function contents(path: string) {
  const { tensors } = await openCheckpoint(path, { tokenizer: false });
  return new Map(
    tensors.map(({ name, dtype, shape, file, offset, bytes }) => {
      const data = readFileSync(file).subarray(offset, offset + bytes);
      return [name, { dtype, shape, bytes, sha: digest(data) }];
    }),
  );
}

export function digest(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** What a model says of itself; where a layer lies in its file is the format's. */
export function facts({ name, architecture, parameters, bytes, contextLength, endIds, layers }: Model) {
  const shown = layers.map(({ name, kind, bytes, dtype, tensors }) => ({
    name,
    kind,
    bytes,
    dtype,
    tensors,
  }));
  return { name, architecture, parameters, bytes, contextLength, endIds, layers: shown };
}

/** Logits, or hidden states of an encoder. */
export async function computed(path: string, ids: readonly number[]): Promise<Float32Array> {
  const model = await openModel(path);
  const session = model.session();
  const { data } = await (model.result === 'hidden' ? session.hidden(ids) : session.forward(ids));
  model.close();
  await session.closed;
  return data;
}
