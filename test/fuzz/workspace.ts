/** The seeds' folders on a file system in memory, where each input is written for its reader to open. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reader } from './reader';

/** Bytes for the mutated file of a seed. */
export interface Input {
  /** index of the seed */
  readonly seed: number;
  readonly bytes: Uint8Array;
}

interface Place {
  readonly folder: string;
  readonly file: string;
}

/** A new folder, in memory where the system has such. The caller removes it. */
export function makeRoot(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'hyperion-fuzz-'));
}

export class Workspace {
  readonly #places: readonly Place[];
  /** the unchanged files */
  readonly valid: readonly Input[];

  private constructor(
    readonly reader: Reader,
    places: readonly Place[],
  ) {
    this.#places = places;
    this.valid = places.map(({ file }, seed) => ({ seed, bytes: readFileSync(file) }));
  }

  /** Writes the seeds below `root`. */
  static create(reader: Reader, root: string): Workspace {
    const places = reader.seeds().map(({ name, file, files }) => {
      const folder = join(root, name);
      mkdirSync(folder, { recursive: true });
      for (const [path, content] of Object.entries(files))
        if (typeof content === 'string') copyFileSync(content, join(folder, path));
        else writeFileSync(join(folder, path), content);
      return { folder, file: join(folder, file) };
    });
    return new Workspace(reader, places);
  }

  /** Lets the reader open the input. */
  async open({ seed, bytes }: Input): Promise<void> {
    const { folder, file } = this.#places[seed]!;
    writeFileSync(file, bytes);
    await this.reader.read(folder, file);
  }

  /** The input that was written last, and when. */
  latest(): Input & { readonly writtenMs: number } {
    const times = this.#places.map(({ file }) => statSync(file).mtimeMs);
    const seed = times.indexOf(Math.max(...times));
    return { seed, bytes: readFileSync(this.#places[seed]!.file), writtenMs: times[seed]! };
  }
}
