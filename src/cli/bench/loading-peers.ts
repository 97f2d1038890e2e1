/** The peers of `hyperion bench loading`: whether they are here, and how a run of one is started. Nothing is installed for them. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../root';
import { ACCELERATE_PROGRAM, type AccelerateOptions } from './loading-accelerate';
import { type ChildOptions, WARM_UP_TOKENS } from './loading-child';
import type { LlamaOptions } from './loading-llama';
import { python } from './model-peer';

export interface LoadingPeer {
  readonly name: 'llama.cpp' | 'accelerate';
  /** what it is part of, and how it computes */
  readonly what: string;
  /** null where it is not here */
  readonly version: string | null;
  /** how it comes here */
  readonly install: string;
  readonly reads: 'gguf' | 'safetensors';
  /** the program that runs it once */
  command(options: ChildOptions, capBytes: number | null): readonly [string, ...string[]];
}

/** Of the clone: what they take is large, and only this compares with them. */
const FOLDER = 'bench/peers';

/** All peers, those that are not here included. */
export function findLoadingPeers(): LoadingPeer[] {
  return [llama(process.env.HYPERION_PEERS || join(packageRoot, FOLDER)), accelerate()];
}

function llama(folder: string): LoadingPeer {
  const found = join(folder, 'node_modules/node-llama-cpp');
  const description = join(found, 'package.json');
  const entry = join(found, 'dist/index.js');
  return {
    name: 'llama.cpp',
    what: 'the CPU build of node-llama-cpp, on mapped files',
    version: existsSync(description) ? JSON.parse(readFileSync(description, 'utf8')).version : null,
    install: `npm install --ignore-scripts --prefix ${FOLDER}, or name a folder that has it in HYPERION_PEERS`,
    reads: 'gguf',
    command: (options) => {
      const its: LlamaOptions = { ...options, entry };
      return [process.execPath, join(__dirname, 'loading-llama.js'), JSON.stringify(its)];
    },
  };
}

/** The packages are looked for and not loaded, which takes them seconds. */
const FIND_ACCELERATE = `
from importlib import metadata, util
assert all(util.find_spec(name) for name in ('torch', 'transformers'))
print(metadata.version('accelerate'))
`;

function accelerate(): LoadingPeer {
  const { status, stdout } = spawnSync(python(), ['-c', FIND_ACCELERATE], { encoding: 'utf8' });
  return {
    name: 'accelerate',
    what: 'with transformers and torch, weights beyond the memory that is left on disk',
    version: status === 0 ? stdout.trim() : null,
    install:
      'pip install torch transformers accelerate, for the Python that HYPERION_PYTHON names, else python3',
    reads: 'safetensors',
    command: (options, capBytes) => {
      const its: AccelerateOptions = { ...options, capBytes, warmUpTokens: WARM_UP_TOKENS };
      return [python(), '-c', ACCELERATE_PROGRAM, JSON.stringify(its)];
    },
  };
}
