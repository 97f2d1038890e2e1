/** The peers of `hyperion bench loading`: whether they are here, and how a run of one is started. Nothing is installed for them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../root';

export interface LoadingPeer {
  readonly name: 'llama.cpp';
  /** what the version is of */
  readonly package: string;
  /** null where it is not here */
  readonly version: string | null;
  /** what its program is loaded from */
  readonly entry: string;
}

/** In a folder of their own, because they are large and only this compares with them. */
const FOLDER = 'bench/peers';

/** The folder whose node_modules has them: what HYPERION_PEERS names, else `bench/peers` of the clone. */
export function peersFolder(): string {
  return process.env.HYPERION_PEERS || join(packageRoot, FOLDER);
}

/** All peers, those that are not here included. */
export function findLoadingPeers(): LoadingPeer[] {
  const folder = join(peersFolder(), 'node_modules/node-llama-cpp');
  const description = join(folder, 'package.json');
  const version = existsSync(description) ? JSON.parse(readFileSync(description, 'utf8')).version : null;
  return [{ name: 'llama.cpp', package: 'node-llama-cpp', version, entry: join(folder, 'dist/index.js') }];
}
