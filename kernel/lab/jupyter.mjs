// Runs JupyterLab from the project's environment: which port, which settings, when it is ready, how it ends.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstNotebook, inProject, notebooks, python, state } from './paths.mjs';
import { logFile, SetupError } from './process.mjs';

const host = '127.0.0.1';

/** Jupyter's folders inside the project, in place of those in the user's home. */
export function jupyterEnvironment() {
  const folder = (/** @type {string} */ name) => path.join(state, 'jupyter', name);
  fs.mkdirSync(folder('ipython'), { recursive: true }); // IPython warns when it has to
  return {
    ...process.env,
    JUPYTER_CONFIG_DIR: folder('config'),
    JUPYTER_DATA_DIR: folder('data'),
    JUPYTER_RUNTIME_DIR: folder('runtime'),
    JUPYTERLAB_SETTINGS_DIR: folder('settings'),
    JUPYTERLAB_WORKSPACES_DIR: folder('workspaces'),
    IPYTHONDIR: folder('ipython'),
    JUPYTER_PREFER_ENV_PATH: '1',
  };
}

/**
 * The port to serve on: the one asked for, which must be free, or the first free one from 8888 up.
 * @param {number | undefined} asked
 */
export async function choosePort(asked) {
  if (asked !== undefined) {
    if (await isFree(asked)) return asked;
    throw new SetupError(`Port ${asked} is in use.`, { mend: 'npm start -- --port 0   (takes a free one)' });
  }
  for (let port = 8888; port < 8988; port++) if (await isFree(port)) return port;
  return 0;
}

/**
 * Starts the server; resolves when it answers. `ended` resolves with its exit code, `stop()` ends it with its kernels.
 * @param {{ port: number, browser: boolean }} options
 */
export async function startJupyter({ port, browser }) {
  if (port === 0) port = await freePort();
  const token = randomBytes(24).toString('hex');
  const log = logFile('jupyter');
  const output = fs.openSync(log, 'w');
  const server = spawn(python, [inProject('kernel/lab/serve.py'), ...serverOptions(port, browser)], {
    cwd: notebooks,
    env: { ...jupyterEnvironment(), JUPYTER_TOKEN: token },
    stdio: ['pipe', output, output],
    detached: true, // Ctrl+C reaches this process only, which then ends the server in order
  });
  fs.closeSync(output);
  const ended = once(server, 'exit').then(([code, signal]) => signal ?? code);
  await ready(port, server, log);
  const page = fs.existsSync(firstNotebook) ? `/tree/${path.basename(firstNotebook)}` : '';
  return {
    url: `http://${host}:${port}/lab${page}?token=${token}`,
    ended,
    stop: async () => {
      server.kill('SIGTERM');
      if ((await Promise.race([ended, sleep(10_000, 'late', { ref: false })])) === 'late')
        server.kill('SIGKILL');
    },
  };
}

/** @param {number} port @param {boolean} browser */
function serverOptions(port, browser) {
  return [
    `--ServerApp.ip=${host}`,
    `--ServerApp.port=${port}`,
    '--ServerApp.port_retries=0',
    `--ServerApp.root_dir=${notebooks}`,
    `--ServerApp.open_browser=${browser && hasDisplay() ? 'True' : 'False'}`,
    `--ServerApp.allow_root=${process.getuid?.() === 0 ? 'True' : 'False'}`,
    "--ServerApp.jpserver_extensions={'jupyterlab': True, 'jupyter_lsp': False}",
    `--LabApp.default_url=/lab${fs.existsSync(firstNotebook) ? `/tree/${path.basename(firstNotebook)}` : ''}`,
    '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate',
    '--LabApp.news_url=None',
    '--LabApp.extension_manager=readonly',
    '--MultiKernelManager.default_kernel_name=hyperion',
  ];
}

/** Resolves when the server answers; throws with its log when it ends first. */
async function ready(
  /** @type {number} */ port,
  /** @type {import('node:child_process').ChildProcess} */ server,
  /** @type {string} */ log,
) {
  const deadline = performance.now() + 60_000;
  for (;;) {
    if (
      await fetch(`http://${host}:${port}/api`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    if (server.exitCode !== null || server.signalCode !== null)
      throw new SetupError('JupyterLab did not start.', { log });
    if (performance.now() > deadline) {
      server.kill('SIGKILL');
      throw new SetupError('JupyterLab did not answer within a minute.', { log });
    }
    await sleep(50);
  }
}

/** Python's webbrowser would open a text browser in this terminal when there is no display. */
const hasDisplay = () =>
  process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);

/** @param {number} port */
async function isFree(port) {
  const server = net.createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

async function freePort() {
  const server = net.createServer().listen({ port: 0, host });
  await once(server, 'listening');
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  server.close();
  return port;
}
