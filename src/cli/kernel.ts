/** `hyperion kernel install|uninstall`: the kernelspec, for a Jupyter other than the project's own. */
import type { Command } from 'commander';
import { asArguments, runLabProgram } from './lab-program';

export function register(program: Command): void {
  const kernel = program.command('kernel').description('the Jupyter kernel "TypeScript (Hyperion)"');
  for (const [name, description] of [
    ['install', 'tell a Jupyter installation where the kernel is'],
    ['uninstall', 'remove what install wrote'],
  ] as const) {
    kernel
      .command(name)
      .description(description)
      .option('--prefix <dir>', 'below DIR/share/jupyter')
      .option('--user', "in this user's Jupyter folder")
      .option('--sys-prefix', "in the active Python environment, or else the project's (default)")
      .action((options) => runLabProgram('kernelspec.mjs', [name, ...asArguments(options)]));
  }
}
