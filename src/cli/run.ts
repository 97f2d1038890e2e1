/** `hyperion run NOTEBOOK`: executes a notebook without a browser. */
import type { Command } from 'commander';
import { asArguments, runLabProgram } from './lab-program';

export function register(program: Command): void {
  program
    .command('run')
    .description('run a notebook without a browser and write it, executed, with an HTML page')
    .argument('<notebook>')
    .option('--out <dir>', 'where to (default: .lab/run in the project)')
    .option('--no-html', 'the notebook only')
    .option('--timeout <seconds>', 'for one cell (default: 600)')
    .action((notebook, options) =>
      runLabProgram('start.mjs', ['--run', ...asArguments(options), '--', notebook]),
    );
}
