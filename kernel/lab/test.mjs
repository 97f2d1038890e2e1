// npm test: set-up as for npm start, what the tests need beyond it, then vitest with everything.
// Arguments go to vitest: npm test -- test/kernel
import { demandNode } from './node-version.mjs';

demandNode();
const { test } = await import('./checks.mjs');
process.exitCode = await test(process.argv.slice(2));
