#!/usr/bin/env node
import { kernelInfo, packageVersion } from './session/kernel-info';
import { exitProcess } from './session/process-guards';
/** The Jupyter kernel `hyperion`. Jupyter starts it as `node main.js CONNECTION_FILE`. */
import type { Connection } from './wire/connection';
import { readConnection } from './wire/connection';
import { log } from './wire/log';
import { Wire } from './wire/wire';

const USAGE =
  'usage: node main.js CONNECTION_FILE | --version | --help\nA Jupyter kernel; Jupyter starts it and writes the connection file.';

main(process.argv.slice(2));

function main([argument, ...more]: string[]): void {
  if (argument === '--version') console.log(packageVersion());
  else if (argument === '--help') console.log(USAGE);
  else if (argument === undefined || argument.startsWith('-') || more.length > 0) fail(USAGE);
  else open(argument);
}

function open(file: string): void {
  let connection: Connection;
  try {
    connection = readConnection(file);
  } catch (error) {
    fail((error as Error).message);
    return;
  }
  void start(connection);
}

async function start(connection: Connection): Promise<void> {
  // The sockets open, and kernel_info is answered, while the compiler is still being loaded.
  const wire = new Wire(connection, kernelInfo(), (reason) => end(`the sockets failed: ${reason}`));
  try {
    const { runKernel } = await import('./session/kernel.js');
    await runKernel(wire);
  } catch (error) {
    end('cannot start', error);
  }
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}

function end(what: string, error?: unknown): void {
  log(what, error);
  exitProcess(1);
}
