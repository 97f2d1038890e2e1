/** `hyperion doctor`: what is needed, what of it is there, and the one command that mends what is not. */
import type { Command } from 'commander';
import { asArguments, runLabProgram } from './lab-program';

export function register(program: Command): void {
  program
    .command('doctor')
    .description('say what is present, what is missing, and the command that mends it')
    .option('--json', 'a list of { name, state, value, mend }')
    .action((options) => runLabProgram('doctor.mjs', asArguments(options)));
}
