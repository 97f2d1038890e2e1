/** What a cell may do to the process without ending the session. */
import { log } from '../wire/log';
import { Interrupted } from './cell';
import type { Output } from './output';
import type { Stacks } from './stacks';
import { formatError } from './traceback';

/** Ends the process; cells find another function at `process.exit`. */
export const exitProcess = process.exit.bind(process);

export function guardProcess(output: Output, stacks: Stacks): void {
  process.exit = () => {
    throw new Error(
      'process.exit() would end the kernel and lose its variables; use Kernel > Shut Down or Restart, or throw an error to end the cell',
    );
  };
  const report = (what: string) => (error: unknown) => {
    // Code that an interrupt left behind; the cell has said so already.
    if (error instanceof Interrupted || output.cell.interrupted) return;
    try {
      const { traceback } = formatError(error, stacks.place(error));
      output.print('stderr', `${what}\n${traceback.join('\n')}\n`);
    } catch (failure) {
      log('cannot report an error', failure);
    }
  };
  process.on('uncaughtException', report('Uncaught in the background of this cell:'));
  process.on('unhandledRejection', report('A promise of this cell was rejected and nobody handled it:'));
}
