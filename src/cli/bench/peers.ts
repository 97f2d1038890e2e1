/** The general-purpose allocators that ours are measured against, and where their libraries lie on this machine. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/** An allocator that takes the place of malloc in a process by being preloaded. */
export interface Peer {
  readonly name: string;
  /** path of the library; null where there is none */
  readonly library: string | null;
  /** the Debian or Ubuntu package that brings it */
  readonly package: string;
}

const PEERS: readonly { name: string; pattern: RegExp; package: string }[] = [
  { name: 'mimalloc', pattern: /^libmimalloc\.so(\.|$)/, package: 'libmimalloc2.0' },
  { name: 'jemalloc', pattern: /^libjemalloc\.so(\.|$)/, package: 'libjemalloc2' },
  { name: 'tcmalloc', pattern: /^libtcmalloc(_minimal)?\.so(\.|$)/, package: 'libtcmalloc-minimal4' },
];

const FOLDERS = [
  `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
  '/usr/local/lib',
  '/usr/lib64',
  '/usr/lib',
];

/** Every peer, those without a library included. Elsewhere than on Linux nothing is preloaded. */
export function findPeers(): Peer[] {
  return choosePeers(process.platform === 'linux' ? sharedLibraries() : []);
}

/** The same among the paths given; of several that match, the first. */
export function choosePeers(libraries: readonly string[]): Peer[] {
  return PEERS.map(({ name, pattern, package: from }) => ({
    name,
    library: libraries.find((path) => pattern.test(basename(path))) ?? null,
    package: from,
  }));
}

function sharedLibraries(): string[] {
  const path = `${process.env.PATH}:/usr/sbin:/sbin`;
  const { stdout } = spawnSync('ldconfig', ['-p'], { encoding: 'utf8', env: { ...process.env, PATH: path } });
  const known = [...(stdout ?? '').matchAll(/=> (.+)$/gm)].map((match) => match[1]!);
  return [...known, ...FOLDERS.flatMap(filesOf)];
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder).map((file) => join(folder, file));
  } catch {
    return []; // not on this machine
  }
}
