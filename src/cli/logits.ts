/** `hyperion logits`: what a model computes for each token, as a file for other programs. */
import type { Command } from 'commander';
import { openModel } from '../inference/model';
import { writeSafetensors } from '../model/safetensors-writer';
import { addSessionOptions, interruptSignal, parseIds, printJson, type SessionFlags } from './options';

export function register(program: Command): void {
  const command = program
    .command('logits')
    .summary('compute logits and write them to a file')
    .description(
      'Compute the logits [T, vocab] of T token ids, f32, and write them as `logits` of a safetensors file; of an encoder the hidden states [T, width], as `hidden`.',
    )
    .argument('<model>', 'a model folder, or a .safetensors or .gguf file')
    .requiredOption('--ids <ids>', 'token ids, as 1,2,3', parseIds)
    .requiredOption('--out <file>', 'the .safetensors file to write');
  addSessionOptions(command).option('--json', 'print one JSON object').action(logits);
}

type Flags = SessionFlags & { ids: number[]; out: string; json?: boolean };

async function logits(path: string, { ids, out, json, ...options }: Flags): Promise<void> {
  const model = await openModel(path, { tokenizer: false });
  const session = model.session(options);
  const passed = { signal: interruptSignal() };
  const name = model.result;
  const { data, shape } = await (name === 'hidden'
    ? session.hidden(ids, passed)
    : session.forward(ids, passed));
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  await writeSafetensors(out, [{ name, dtype: 'F32', shape, data: bytes }]);
  if (json) printJson({ out, shape, enginePeakBytes: session.memory.reservedPeak });
  else process.stderr.write(`wrote ${name} [${shape.join(', ')}] to ${out}\n`);
  model.close();
  await session.closed;
}
