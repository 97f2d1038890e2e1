/** `hyperion convert`: a model in another format, every bit of its tensors kept. */
import type { Command } from 'commander';
import { HyperionError } from '../errors';
import { convert, verify } from '../inference/convert';
import { formatBytes, formatDuration } from '../units';
import { printJson, withProgress } from './options';

export function register(program: Command): void {
  program
    .command('convert')
    .summary('convert a model to .tmai, or back')
    .description(
      'Convert a model to a .tmai file, whose layers lie in the order of execution, or a .tmai file back to what it came ' +
        'from. The output takes its name when it is whole.',
    )
    .argument('<in>', 'a model folder, or a .safetensors, .gguf or .tmai file')
    .argument('[out]', 'a .tmai or .gguf file, or a folder for safetensors')
    .option('--force', 'replace what stands at the output')
    .option('--verify', 'write nothing; hold each layer of a .tmai file against its checksum')
    .option('--json', 'print one JSON object')
    .action(run);
}

interface Flags {
  force?: boolean;
  verify?: boolean;
  json?: boolean;
}

async function run(input: string, output: string | undefined, flags: Flags): Promise<void> {
  if (Boolean(flags.verify) === (output !== undefined))
    throw new HyperionError('INVALID', 'convert wants either an output or --verify');
  const began = performance.now();
  const result = output
    ? await withProgress(`writing ${output}`, (options) =>
        convert(input, output, { ...options, force: flags.force }),
      )
    : { path: input, bytes: await withProgress(`checking ${input}`, (options) => verify(input, options)) };
  const ms = performance.now() - began;
  if (flags.json) return printJson({ ...result, ms });
  const speed = `${formatBytes(result.bytes)} in ${formatDuration(ms)}, ${formatBytes((result.bytes * 1000) / ms)}/s`;
  process.stdout.write(`${output ?? `${input} is as it was written`}: ${speed}\n`);
}
