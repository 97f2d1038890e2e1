/** Folders and models that exist for one test. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { fixture } from './fixtures';

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hyperion-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A copy of a reference model that a test can damage. */
export function copyOf(name: string): string {
  const folder = join(temporaryFolder(), name);
  cpSync(fixture(name), folder, { recursive: true });
  return folder;
}

/** A safetensors file with any header, true or not. `length` is what the file claims the header to have. */
export function writeHeader(path: string, header: unknown, dataBytes = 0, length?: number | bigint): void {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(length ?? json.length));
  writeFileSync(path, Buffer.concat([prefix, json, Buffer.alloc(dataBytes)]));
}

/** The error that `action` throws or rejects with; fails when it does neither. */
export async function errorOf(
  action: () => unknown,
): Promise<{ code: string; message: string; details: Record<string, number> }> {
  try {
    await action();
  } catch (error) {
    return error as never;
  }
  throw new Error('it did not fail');
}
