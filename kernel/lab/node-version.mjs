// Is this Node new enough? Imported first and alone, so it must parse on any Node that knows modules.
import { existsSync } from 'node:fs';

const oldest = [20, 17];

/**
 * The sentence for a Node that is too old, or undefined.
 * @param {string} version as in process.versions.node
 * @param {NodeJS.ProcessEnv} env
 */
export function nodeProblem(version = process.versions.node, env = process.env) {
  const [major, minor] = version.split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return undefined;
  let mend = 'sudo npx --yes n 22';
  if (env.NVM_DIR) mend = 'nvm install 22';
  else if (existsSync('/opt/homebrew/bin/brew')) mend = 'brew install node';
  return { what: `Node ${version} is too old: Hyperion Lab needs Node ${oldest.join('.')} or later.`, mend };
}

/** Ends the process with the sentence above when Node is too old. */
export function demandNode() {
  const problem = nodeProblem();
  if (!problem) return;
  console.error(`${problem.what}\nMend it with:  ${problem.mend}`);
  process.exit(1);
}
