/**
 * What measured runs in Python share: they speak Node's channel between processes, one JSON text a line, and say and measure what
 * `loading-child` does.
 */
import type { ChildOptions } from './loading-child';

export interface PythonOptions extends ChildOptions {
  /** bytes that the process may hold in all */
  readonly capBytes: number | null;
  readonly warmUpTokens: number;
}

/**
 * A program for Python, whose argument is PythonOptions as JSON.
 *
 * @param run defines `run()`, which imports what it measures, calls `wait_for_cap()` and returns what `measure()` does, called in turn with
 *   a function of the tokens' ids and the position of their first
 */
export function pythonProgram(run: string): string {
  return `
import json, os, socket, sys, time

options = json.loads(sys.argv[1])
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # progress bars, advice, logs
channel = socket.socket(fileno=int(os.environ['NODE_CHANNEL_FD'])).makefile('rw')

def report(message):
    channel.write(json.dumps(message) + '\\n')
    channel.flush()

def number_in(path, field):
    with open(path) as file:
        return next((int(line.split()[1]) for line in file if line.startswith(field + ':')), None)

def status(field):
    return number_in('/proc/self/status', field) * 1024

def wait_for_cap():
    report({'kind': 'ready', 'residentBytes': status('VmRSS')})
    channel.readline()
    return time.perf_counter()

def measure(began, forward):
    position = options['promptTokens']
    forward([id % options['vocabularySize'] for id in range(position)], 0)
    first = time.perf_counter() - began

    def decode(tokens):
        nonlocal position
        for _ in range(tokens):
            forward([position % options['vocabularySize']], position)
            position += 1

    decode(options['warmUpTokens'])
    read, measured = number_in('/proc/self/io', 'read_bytes'), time.perf_counter()
    decode(options['tokens'])
    seconds = time.perf_counter() - measured
    after = number_in('/proc/self/io', 'read_bytes')
    return {
        'timeToFirstTokenMs': first * 1000,
        'tokensPerSecond': options['tokens'] / seconds,
        'bytesPerPass': (after - read) / options['tokens'],
        'residentPeakBytes': status('VmHWM'),
        'logits': None,
    }
${run}
try:
    report({'kind': 'result', 'result': run()})
except Exception as error:
    report({'kind': 'failed', 'code': None, 'message': str(error), 'details': {}})
`;
}
