/**
 * `lab`, `run`, `doctor` and `kernel` are programs of kernel/lab, which must run before anything is installed or compiled.
 * The command line starts them with the options that they know, and ends with their exit code.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** Runs kernel/lab/PROGRAM in this terminal; signals reach it, and its exit code becomes this process's. */
export async function runLabProgram(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [labProgram(program), ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
}

/** Options as arguments: `{ port: '1', html: false, user: true }` becomes `--port 1 --no-html --user`. */
export function asArguments(options: Record<string, string | boolean | undefined>): string[] {
  return Object.entries(options).flatMap(([camelCase, value]) => {
    const name = camelCase.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (value === undefined) return [];
    if (typeof value === 'string') return [`--${name}`, value];
    return [value ? `--${name}` : `--no-${name}`];
  });
}

const labProgram = (name: string): string => path.resolve(__dirname, '../../../kernel/lab', name);
