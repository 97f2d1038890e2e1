#!/usr/bin/env node
/** The command `hyperion`: registers the commands, each of which is a file, and turns failures into exit codes. */
import { Command } from 'commander';
import { version } from '../root';
import { register as registerBench } from './bench';
import { register as registerConvert } from './convert';
import { register as registerDoctor } from './doctor';
import { reportFailure } from './failure';
import { register as registerGenerate } from './generate';
import { register as registerInspect } from './inspect';
import { register as registerKernel } from './kernel';
import { register as registerLab } from './lab';
import { register as registerLogits } from './logits';
import { register as registerRun } from './run';
import { register as registerSample } from './sample';

async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('hyperion')
    .description('Transformer inference inside a memory budget.')
    .version(version)
    .showHelpAfterError('(add --help for the options)')
    .exitOverride();
  const model = [
    registerInspect,
    registerLogits,
    registerGenerate,
    registerConvert,
    registerSample,
    registerBench,
  ];
  const lab = [registerLab, registerRun, registerKernel, registerDoctor];
  for (const register of [...model, ...lab]) register(program);
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
  process.exitCode ||= code; // a program that a command started may have set its own
});
