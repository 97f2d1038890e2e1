/** `hyperion lab`: what `npm start` starts. */
import type { Command } from 'commander';
import { asArguments, runLabProgram } from './lab-program';

export function register(program: Command): void {
  program
    .command('lab')
    .description('open JupyterLab on the first notebook')
    .option('--port <n>', 'serve on this port (default: 8888, or the next free one; 0: any free one)')
    .option('--no-browser', 'only print the URL')
    .action((options) => runLabProgram('start.mjs', asArguments(options)));
}
