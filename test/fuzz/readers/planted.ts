/** Readers with one fault each, so that a test sees that the fault would be found. */
import { open, readFile } from 'node:fs/promises';
import { HyperionError } from '../../../src/errors';
import type { Reader } from '../reader';

/** What the reader does with a file that no longer begins as it did. */
const FAULTS: Readonly<Record<string, (file: string) => unknown>> = {
  hang: () => {
    for (;;);
  },
  slowness: () => {
    for (const began = performance.now(); performance.now() - began < 1200; );
  },
  // Never touched, so that the resident set does not show it.
  allocation: () => Buffer.alloc(80 * 2 ** 20),
  exit: () => process.exit(3),
  typeError: () => (undefined as unknown as object[]).length,
  wrongCode: () => {
    throw new HyperionError('INVALID', 'this is no way to call a bad file');
  },
  chatter: () => {
    throw new HyperionError('BAD_FORMAT', 'x'.repeat(1e6));
  },
  openFile: (file) => {
    leaked.push(open(file));
  },
};
const leaked: unknown[] = [];

export const PLANTED: readonly Reader[] = Object.entries(FAULTS).map(([name, fault]) => ({
  name,
  seeds: () => [{ name, file: 'file', files: { file: Buffer.from('A file of no format') } }],
  layout: (content) => [{ kind: 'bytes', prefix: 0, content }],
  async read(_, file) {
    const content = await readFile(file);
    if (content[0] !== 'A'.charCodeAt(0)) await fault(file);
  },
}));
