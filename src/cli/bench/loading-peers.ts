/** The peers of `hyperion bench loading`: whether they are here, and how a run of one is started. Nothing is installed for them. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../root';
import { ACCELERATE_PROGRAM } from './loading-accelerate';
import { type ChildOptions, WARM_UP_TOKENS } from './loading-child';
import { IK_LLAMA_PROGRAM } from './loading-ik-llama';
import type { LlamaOptions } from './loading-llama';
import type { PythonOptions } from './loading-python';
import { python } from './model-peer';

export interface LoadingPeer {
  readonly name: 'llama.cpp' | 'ik_llama.cpp' | 'accelerate';
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
  return [llama(process.env.HYPERION_PEERS || join(packageRoot, FOLDER)), ikLlama(), accelerate()];
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

function ikLlama(): LoadingPeer {
  return {
    name: 'ik_llama.cpp',
    what: 'the build of ik-llama-cpp-python, on mapped files',
    ...inPython(['ik_llama_cpp'], 'ik-llama-cpp-python', IK_LLAMA_PROGRAM),
    reads: 'gguf',
  };
}

function accelerate(): LoadingPeer {
  return {
    name: 'accelerate',
    what: 'with transformers and torch, weights beyond the memory that is left on disk',
    ...inPython(['torch', 'transformers', 'accelerate'], 'accelerate', ACCELERATE_PROGRAM),
    reads: 'safetensors',
  };
}

/** The modules are looked for and not loaded, which takes seconds. */
const FIND = `
import sys
from importlib import metadata, util
package, *modules = sys.argv[1:]
assert all(util.find_spec(module) for module in modules)
print(metadata.version(package))
`;

/** What a peer is whose program takes those modules, of which `named` is the package that it is called by. */
function inPython(
  modules: readonly string[],
  named: string,
  program: string,
): Pick<LoadingPeer, 'version' | 'install' | 'command'> {
  const { status, stdout } = spawnSync(python(), ['-c', FIND, named, ...modules], { encoding: 'utf8' });
  const packages = modules.length > 1 ? modules.join(' ') : named;
  return {
    version: status === 0 ? stdout.trim() : null,
    install: `pip install ${packages}, for the Python that HYPERION_PYTHON names, else python3`,
    command: (options, capBytes) => {
      const its: PythonOptions = { ...options, capBytes, warmUpTokens: WARM_UP_TOKENS };
      return [python(), '-c', program, JSON.stringify(its)];
    },
  };
}
