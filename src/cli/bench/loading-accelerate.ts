/**
 * A measured run of Python's accelerate with weights on disk, as a program: it speaks Node's channel between processes, one JSON text a
 * line, and says and measures what `loading-child` does.
 */
import type { ChildOptions } from './loading-child';

export interface AccelerateOptions extends ChildOptions {
  /** bytes that the process may hold in all */
  readonly capBytes: number | null;
  readonly warmUpTokens: number;
}

/** Argument: AccelerateOptions as JSON. What the libraries themselves hold is taken from the cap; the rest they may fill with weights. */
export const ACCELERATE_PROGRAM = `
import json, os, socket, sys, tempfile, time

options = json.loads(sys.argv[1])
os.environ['HF_HUB_OFFLINE'] = '1'
sys.stderr = open(os.devnull, 'w')  # progress bars and advice
channel = socket.socket(fileno=int(os.environ['NODE_CHANNEL_FD'])).makefile('rw')

def report(message):
    channel.write(json.dumps(message) + '\\n')
    channel.flush()

def number_in(path, field):
    with open(path) as file:
        return next((int(line.split()[1]) for line in file if line.startswith(field + ':')), None)

def status(field):
    return number_in('/proc/self/status', field) * 1024

def run():
    import torch
    from transformers import AutoModelForCausalLM
    torch.set_num_threads(options['threads'])
    report({'kind': 'ready', 'residentBytes': status('VmRSS')})
    channel.readline()
    began = time.perf_counter()
    room = {'cpu': max(1, options['capBytes'] - status('RssAnon'))}
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        model = AutoModelForCausalLM.from_pretrained(
            options['model'], dtype=torch.float16, device_map='auto', max_memory=room, offload_folder=folder)
        cache, position = None, options['promptTokens']
        ids = list(range(position))

        def forward():
            nonlocal cache, position, ids
            output = model(torch.tensor([[id % options['vocabularySize'] for id in ids]]), past_key_values=cache, use_cache=True)
            cache, ids, position = output.past_key_values, [position], position + 1

        forward()
        first = time.perf_counter() - began
        for _ in range(options['warmUpTokens']):
            forward()
        read, measured = number_in('/proc/self/io', 'read_bytes'), time.perf_counter()
        for _ in range(options['tokens']):
            forward()
        seconds = time.perf_counter() - measured
        after = number_in('/proc/self/io', 'read_bytes')
    return {
        'timeToFirstTokenMs': first * 1000,
        'tokensPerSecond': options['tokens'] / seconds,
        'bytesPerPass': (after - read) / options['tokens'],
        'residentPeakBytes': status('VmHWM'),
        'logits': None,
    }

try:
    report({'kind': 'result', 'result': run()})
except Exception as error:
    report({'kind': 'failed', 'code': None, 'message': str(error), 'details': {}})
`;
