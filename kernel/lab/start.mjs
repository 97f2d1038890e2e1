// npm start: from a fresh clone to JupyterLab on the first notebook, or with --run to that notebook executed.
import { demandNode } from './node-version.mjs';

demandNode();
const { start } = await import('./lab.mjs');
process.exitCode = await start(process.argv.slice(2));
