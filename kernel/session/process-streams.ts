/** Routes what the process prints (`console.log`, `process.stdout.write`) to cells. */
import { StringDecoder } from 'node:string_decoder';
import type { Output } from './output';

type Done = (error?: Error | null) => void;

export function captureStreams(output: Output): void {
  for (const name of ['stdout', 'stderr'] as const) {
    // A character may be split between two writes of bytes.
    const decoder = new StringDecoder('utf8');
    const write = (chunk: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done): boolean => {
      output.print(name, toText(decoder, chunk, typeof encoding === 'string' ? encoding : 'utf8'));
      const callback = typeof encoding === 'function' ? encoding : done;
      if (callback) process.nextTick(callback);
      return true;
    };
    process[name].write = write as typeof process.stdout.write;
  }
}

function toText(decoder: StringDecoder, chunk: string | Uint8Array, encoding: BufferEncoding): string {
  if (typeof chunk !== 'string') return decoder.write(Buffer.from(chunk));
  return /^utf-?8$/i.test(encoding) ? chunk : decoder.write(Buffer.from(chunk, encoding));
}
