/** The files of a reference model that openModel reads. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/root';

const MODELS = join(packageRoot, 'test/fixtures/models');
const READ = /^(config|generation_config)\.json$|^model.*\.safetensors(\.index\.json)?$/;

/** By name, the path of each. */
export function fixtureFiles(model: string): Record<string, string> {
  const folder = join(MODELS, model);
  const names = readdirSync(folder).filter((name) => READ.test(name));
  return Object.fromEntries(names.map((name) => [name, join(folder, name)]));
}
