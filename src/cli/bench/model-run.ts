/**
 * One measured run of `hyperion bench model`, as a process of its own: it opens the model several times, then reads its tensors, as
 * bytes and as float32 numbers. Reading goes through the engine's own calls, one tensor after the other: as bytes into one array, because
 * the peer's allocator too gives the memory of the last tensor to the next, and into new arrays, whose pages have to be made first.
 */
import { openModel } from '../../inference/model';
import { openCheckpoint } from '../../model/checkpoint';
import { processMemory } from '../../monitoring/counters';
import { native } from '../../native';
import { TensorTable } from '../../scheduling/graph';

export interface ModelTask {
  readonly path: string;
  /** for the peer, which knows no folders */
  readonly files: readonly string[];
  /** openings after the first */
  readonly opens: number;
  /** bytes that are read of tensors of one type as numbers */
  readonly mostBytes: number;
}

/** Times in milliseconds, sizes in bytes. */
export interface ModelRun {
  readonly firstOpenMs: number;
  /** median of the further ones */
  readonly openMs: number;
  /** growth by the first opening */
  readonly residentBytes: number;
  /** the same of the JavaScript heap; the peer has none */
  readonly heapBytes?: number;
  /**
   * `bytes`, `new` (as bytes into new arrays, which the peer has not), and each element type as float32 numbers in new arrays: bytes of
   * the file, and the time they took
   */
  readonly reads: Readonly<Record<string, { readonly bytes: number; readonly ms: number }>>;
}

async function run(task: ModelTask): Promise<ModelRun> {
  native().clockMs(); // the addon is there before anything is measured
  globalThis.gc?.();
  const before = { resident: processMemory().resident, heap: process.memoryUsage().heapUsed };
  const firstOpenMs = await timeOpening(task.path, () => {
    globalThis.gc?.();
  });
  const heapBytes = Math.max(0, process.memoryUsage().heapUsed - before.heap);
  const residentBytes = Math.max(0, processMemory().resident - before.resident);
  const times: number[] = [];
  for (let i = 0; i < task.opens; i += 1) times.push(await timeOpening(task.path));
  times.sort((a, b) => a - b);
  const openMs = times[times.length >> 1]!;
  return { firstOpenMs, openMs, residentBytes, heapBytes, reads: await readAll(task) };
}

async function timeOpening(path: string, whileOpen = () => {}): Promise<number> {
  const began = performance.now();
  const model = await openModel(path, { tokenizer: false });
  const ms = performance.now() - began;
  whileOpen();
  model.close();
  return ms;
}

async function readAll({ path, mostBytes }: ModelTask): Promise<ModelRun['reads']> {
  const { tensors } = await openCheckpoint(path, { tokenizer: false });
  const model = native().openModel(new TensorTable(tensors).spec());
  const reads: Record<string, { bytes: number; ms: number }> = {};
  const count = async (what: string, bytes: number, read: () => Promise<void>) => {
    const began = performance.now();
    await read();
    const before = reads[what] ?? { bytes: 0, ms: 0 };
    reads[what] = { bytes: before.bytes + bytes, ms: before.ms + performance.now() - began };
  };
  try {
    const largest = new Uint8Array(Math.max(...tensors.map(({ bytes }) => bytes)));
    for (const [index, { bytes }] of tensors.entries())
      await count('bytes', bytes, () => native().readTensor(model, index, largest.subarray(0, bytes)));
    for (const [index, { bytes }] of tensors.entries())
      await count('new', bytes, () => native().readTensor(model, index, new Uint8Array(bytes)));
    for (const [index, { bytes, dtype, shape }] of tensors.entries()) {
      if ((reads[dtype]?.bytes ?? 0) >= mostBytes) continue;
      const elements = shape.reduce((product, size) => product * size, 1);
      await count(dtype, bytes, () => native().readValues(model, index, 0, new Float32Array(elements)));
    }
  } finally {
    native().closeModel(model);
  }
  return reads;
}

if (require.main === module) {
  run(JSON.parse(process.argv[2]!)).then((result) => process.stdout.write(JSON.stringify(result)));
}
