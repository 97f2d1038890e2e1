/**
 * Loaded with --require: the FAULT_AT-th change to the disk of this process does not happen. With FAULT=kill the process
 * dies instead, of a write halfway through; with SIGINT it is interrupted and the change happens; else the call fails with
 * that code. On exit, FAULT_COUNT gets how many there were.
 */
const { writeFileSync } = require('node:fs');
const promises = require('node:fs/promises');

const [at, fault] = [Number(process.env.FAULT_AT), process.env.FAULT];
let count = 0;

/** True when this change is the one that must not happen. */
async function isDue(halfway) {
  count += 1;
  if (count !== at) return false;
  if (fault === 'SIGINT') {
    const interrupted = new Promise((resolve) => process.once('SIGINT', resolve));
    // Waiting for a signal keeps no process alive.
    const alive = setInterval(() => {}, 1000);
    process.kill(process.pid, 'SIGINT');
    await interrupted;
    clearInterval(alive);
    return false;
  }
  await halfway?.();
  if (fault === 'kill') process.kill(process.pid, 'SIGKILL');
  return true;
}

function failure() {
  return Object.assign(new Error(fault), { code: fault });
}

for (const name of ['rename', 'mkdir', 'rm']) {
  const call = promises[name];
  promises[name] = async (...args) => {
    if (await isDue()) throw failure();
    return call(...args);
  };
}

const { open } = promises;
promises.open = async (...args) => {
  if (args[1] === 'w' && (await isDue())) throw failure();
  const file = await open(...args);
  const write = file.write.bind(file);
  file.write = async (bytes, offset, length, position) => {
    const half = () => write(bytes, offset, Math.floor(length / 2), position);
    if (await isDue(half)) throw failure();
    return write(bytes, offset, length, position);
  };
  for (const name of ['sync', 'truncate']) {
    const call = file[name].bind(file);
    file[name] = async (...rest) => {
      if (await isDue()) throw failure();
      return call(...rest);
    };
  }
  return file;
};

process.on('exit', () => process.env.FAULT_COUNT && writeFileSync(process.env.FAULT_COUNT, String(count)));
