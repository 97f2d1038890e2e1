/** What a model is converted from: its checkpoint, its small files, and where it came from before. */

import { dirname } from 'node:path';
import { type Checkpoint, openCheckpoint } from '../checkpoint';
import { type Companion, readCompanions } from '../companions';
import type { Origin } from '../tmai/format';
import { requireTmai } from '../tmai/open';
import type { TmaiFile } from '../tmai/read';
import { readTmaiSections } from '../tmai/sections';

export interface Source {
  readonly checkpoint: Checkpoint;
  readonly origin: Origin;
  readonly files: readonly Companion[];
  /** of a .tmai file, whose checksums are to be checked */
  readonly tmai?: TmaiFile;
}

/** @throws HyperionError as `openModel` */
export async function openSource(path: string): Promise<Source> {
  const checkpoint = await openCheckpoint(path, { tokenizer: false });
  if (checkpoint.format === 'tmai') {
    const tmai = await requireTmai(checkpoint.path);
    return { checkpoint, origin: tmai.header.origin, files: await readTmaiSections(tmai), tmai };
  }
  const files = await readCompanions(dirname(checkpoint.configPath));
  return { checkpoint, origin: { format: 'safetensors' }, files };
}
