// What `npm start` does once Node is known to be new enough.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { choosePort, jupyterEnvironment, startJupyter } from './jupyter.mjs';
import { firstNotebook, inProject, python, shown, state } from './paths.mjs';
import { endChildren, SetupError } from './process.mjs';
import { seconds } from './progress.mjs';
import { setupSteps } from './setup.mjs';
import { report, runSteps } from './steps.mjs';

const help = `npm start [-- OPTIONS]

Sets the project up as far as needed, then opens JupyterLab on notebooks/00-start.ipynb.
  --port N            serve on this port (default: 8888, or the next free one; 0: any free one)
  --no-browser        only print the URL

npm start -- --run [NOTEBOOK] [OPTIONS]

Runs a notebook without a browser (default: 00-start) and writes it, executed, with an HTML page.
  --out DIR           where to (default: .lab/run)
  --no-html           the notebook only
  --timeout SECONDS   for one cell (default: 600)
`;

/** @typedef {{ port?: string, browser?: boolean, run?: boolean, out?: string, html?: boolean, timeout?: string, help?: boolean }} Options */

/** Everything from arguments to exit code. @param {string[]} args @returns {Promise<number>} */
export async function start(args) {
  try {
    const { values, notebook } = parse(args);
    if (values.help) {
      console.log(help);
      return 0;
    }
    if (values.run && !fs.existsSync(notebook))
      throw new SetupError(`There is no notebook ${shown(notebook)}.`);
    const port = values.run ? 0 : await choosePort(values.port ? Number(values.port) : undefined);
    await setUp('Hyperion Lab');
    return values.run ? await runNotebook(notebook, values) : await openLab(port, values.browser ?? true);
  } catch (error) {
    report(error);
    return 1;
  }
}

/**
 * Runs the steps and says what was done. @param {string} title @param {import('./steps.mjs').Step[]} [steps]
 */
export async function setUp(title, steps = setupSteps()) {
  const begin = performance.now();
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, endInSetup);
  console.log(title);
  const ran = await runSteps(steps);
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.off(signal, endInSetup);
  console.log(
    `  ${ran.length === 0 ? 'everything up to date' : 'ready'} (${seconds(performance.now() - begin)})`,
  );
}

function endInSetup() {
  endChildren();
  process.exit(130);
}

/** @param {number} port @param {boolean} browser */
async function openLab(port, browser) {
  const server = await startJupyter({ port, browser });
  let asked = false;
  const stop = () => {
    asked = true;
    void server.stop();
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, stop);
  console.log(`\nJupyterLab is open at\n\n    ${server.url}\n\nCtrl+C stops it.`);
  const code = await server.ended;
  console.log('JupyterLab has stopped.');
  return asked || code === 0 ? 0 : 1;
}

/** @param {string} notebook @param {Options} options */
async function runNotebook(notebook, options) {
  console.log(`\nRunning ${shown(notebook)}`);
  const out = path.resolve(options.out ?? path.join(state, 'run'));
  const more = [
    ...(options.html === false ? ['--no-html'] : []),
    ...(options.timeout ? ['--timeout', options.timeout] : []),
  ];
  const child = spawn(python, [inProject('kernel/lab/run_notebook.py'), notebook, '--out', out, ...more], {
    env: jupyterEnvironment(),
    stdio: 'inherit',
  });
  const [code] = await once(child, 'exit');
  return code ?? 1;
}

/** @param {string[]} args @returns {{ values: Options, notebook: string }} */
function parse(args) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      allowNegative: true,
      options: {
        port: { type: 'string' },
        browser: { type: 'boolean' },
        run: { type: 'boolean' },
        out: { type: 'string' },
        html: { type: 'boolean' },
        timeout: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.port !== undefined && !(/^\d+$/.test(values.port) && Number(values.port) < 65536)) {
      throw new Error(`--port ${values.port} is not a port (0 to 65535)`);
    }
    if (positionals.length > (values.run ? 1 : 0))
      throw new Error(`'${positionals.at(-1)}' was not expected`);
    return { values, notebook: path.resolve(positionals[0] ?? firstNotebook) };
  } catch (error) {
    throw new SetupError(/** @type {Error} */ (error).message, {
      mend: 'npm start -- --help   (says what there is)',
    });
  }
}
