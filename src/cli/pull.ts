/** `hyperion pull`: a model from the hub to the cache, or to a folder. */
import type { Command } from 'commander';
import type { PullOptions } from '../model/hub/pull';
import { pullShown } from '../model/hub/shown';
import { formatBytes, formatDuration } from '../units';
import { interruptSignal, printJson } from './options';

export function register(program: Command): void {
  program
    .command('pull')
    .summary('download a model from the hub')
    .description(
      'Download configuration, tokenizer and weights (safetensors, or one GGUF file) into the cache that the Python tools share, ' +
        'or into a folder. What was interrupted goes on where it stopped. HF_ENDPOINT, HF_TOKEN, HF_HOME and HF_HUB_OFFLINE are read.',
    )
    .argument('<repo>', 'org/name, org/name@revision, or org/name/file.gguf')
    .option('--to <folder>', 'the folder for the files (default: the cache)')
    .option('--revision <name>', 'a branch, a tag or a commit (default: main)')
    .option('--include <pattern...>', 'files to pull, such as "*.json", instead of what the model needs')
    .option('--json', 'print one JSON object')
    .action(pull);
}

type Flags = Pick<PullOptions, 'to' | 'revision' | 'include'> & { json?: boolean };

async function pull(reference: string, { json, ...options }: Flags): Promise<void> {
  const began = performance.now();
  const pulled = await pullShown(reference, { ...options, signal: interruptSignal() });
  const ms = performance.now() - began;
  if (json) return printJson({ ...pulled, ms });
  const { repo, commit, path, files, bytes, downloadedBytes } = pulled;
  process.stdout.write(
    `${path}: ${repo} at ${commit.slice(0, 7)}, ${files.length} files, ${formatBytes(bytes)}; ` +
      `${formatBytes(downloadedBytes)} downloaded in ${formatDuration(ms)}\n`,
  );
}
