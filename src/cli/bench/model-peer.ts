/** The Python packages that the readers are measured against: whether they are here, and the program that does the same with them. */
import { spawnSync } from 'node:child_process';

export type PackageName = 'safetensors' | 'gguf';

export interface PythonPeer {
  readonly name: PackageName;
  /** null where the package, or numpy, or Python is not */
  readonly version: string | null;
}

/** Python: what HYPERION_PYTHON names, else python3. */
export const python = () => process.env.HYPERION_PYTHON || 'python3';

/** Both packages, those that are not here included. */
export function findPythonPeers(): PythonPeer[] {
  return (['safetensors', 'gguf'] as const).map((name) => {
    const program = `import ${name}, numpy, importlib.metadata; print(importlib.metadata.version('${name}'))`;
    const { status, stdout } = spawnSync(python(), ['-c', program], { encoding: 'utf8' });
    return { name, version: status === 0 ? stdout.trim() : null };
  });
}

/**
 * Prints what a run of ours prints. Arguments: the package, the task as JSON. As in ours every byte ends in memory of its
 * own: safetensors copies into it, and what gguf hands out, which is the mapped file, is copied here. Each tensor is dropped before the
 * next is read.
 */
export const PEER_PROGRAM = `
import json, sys, time
import numpy as np

package, task = sys.argv[1], json.loads(sys.argv[2])

def resident():
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * 4096

if package == 'safetensors':
    from safetensors import safe_open
    def open_model():
        opened = [safe_open(file, framework='np') for file in task['files']]
        return [(file, name) for file in opened for name in file.keys()]
    def as_bytes(tensor):
        return tensor[0].get_tensor(tensor[1]).nbytes
    def as_values(tensor):
        return tensor[0].get_tensor(tensor[1]).astype(np.float32)
    def type_of(tensor):
        return tensor[0].get_slice(tensor[1]).get_dtype()
else:
    from gguf import GGUFReader
    from gguf.quants import dequantize
    def open_model():
        return [tensor for file in task['files'] for tensor in GGUFReader(file).tensors]
    def as_bytes(tensor):
        return np.array(tensor.data).nbytes
    def as_values(tensor):
        return dequantize(tensor.data, tensor.tensor_type)
    def type_of(tensor):
        return tensor.tensor_type.name

def timed(action):
    began = time.perf_counter()
    result = action()
    return result, (time.perf_counter() - began) * 1000

before = resident()
tensors, first = timed(open_model)
grown = max(0, resident() - before)
times = sorted(timed(open_model)[1] for _ in range(task['opens']))
reads = {}
def count(what, tensor, size, ms):
    total = reads.setdefault(what, {'bytes': 0, 'ms': 0})
    total['bytes'] += size
    total['ms'] += ms
sizes = []
for tensor in tensors:
    size, ms = timed(lambda: as_bytes(tensor))
    sizes.append(size)
    count('bytes', tensor, size, ms)
for tensor, size in zip(tensors, sizes):
    what = type_of(tensor)
    if reads.get(what, {'bytes': 0})['bytes'] < task['mostBytes']:
        count(what, tensor, size, timed(lambda: as_values(tensor))[1])
print(json.dumps({'firstOpenMs': first, 'openMs': times[len(times) // 2], 'residentBytes': grown, 'reads': reads}))
`;
