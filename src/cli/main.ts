#!/usr/bin/env node
/** The command `hyperion`: registers the commands, each of which is a file, and turns failures into exit codes. */
import { Command } from 'commander';
import { version } from '../root';
import { reportFailure } from './failure';
import { register as registerGenerate } from './generate';
import { register as registerInspect } from './inspect';
import { register as registerLogits } from './logits';
import { register as registerSample } from './sample';

async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('hyperion')
    .description('Transformer inference inside a memory budget.')
    .version(version)
    .showHelpAfterError('(add --help for the options)')
    .exitOverride();
  for (const register of [registerInspect, registerLogits, registerGenerate, registerSample]) register(program);
  try {
    await program.parseAsync(argv);
    return 0;
  } catch (error) {
    return reportFailure(error, argv.includes('--json'));
  }
}

// A reader such as `head` that has seen enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

main(process.argv).then((code) => {
  process.exitCode = code;
});
