// npm run fuzz [-- --inputs N --reader NAME... --seed S]
import { demandNode } from './node-version.mjs';

demandNode();
const { fuzz } = await import('./fuzzing.mjs');
process.exitCode = await fuzz(process.argv.slice(2));
