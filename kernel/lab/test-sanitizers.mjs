// npm run test:sanitizers
import { demandNode } from './node-version.mjs';

demandNode();
const { testUnderSanitizers } = await import('./sanitizers.mjs');
process.exitCode = await testUnderSanitizers();
