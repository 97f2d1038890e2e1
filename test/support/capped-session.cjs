/**
 * A process with one session, for tests that cap its memory: prints its resident set before it opens the session, then a line
 * for each token, and at the end the ids, as JSON. Arguments: model, budget, tokens, and budgets that it takes one after another.
 */
const { openModel, processMemory } = require('../../dist/src/index.js');

async function main([path, budget, tokens, ...sweep]) {
  const model = await openModel(path, { tokenizer: false });
  print({ baselineBytes: processMemory().resident, modelBytes: model.bytes });
  const session = model.session({ budget });
  const generation = session.generate([1, 2, 3, 4, 5, 6, 7, 8], { maxTokens: Number(tokens) });
  const changes = [];
  let largest = 0;
  for await (const { index } of generation) {
    const { reserved } = session.memory;
    largest = Math.max(largest, reserved);
    if (sweep.length > 0) changes.push(session.setBudget(Number(sweep[index % sweep.length])));
    print({ index, budget: session.budget, reserved });
  }
  await Promise.all(changes);
  print({ ids: generation.result.ids, largest, changes: changes.length });
  await session[Symbol.asyncDispose]();
}

function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 1;
});
