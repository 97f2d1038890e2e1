/** Where the package lies. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// This file runs from src/ under a test runner and from dist/src/ when compiled.
const candidates = [join(__dirname, '..'), join(__dirname, '../..')];

/** The folder that holds package.json. */
export const packageRoot =
  candidates.find((folder) => existsSync(join(folder, 'package.json'))) ?? candidates[0]!;

/** The version of Hyperion Lab, as package.json has it. */
export const version: string = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version;
