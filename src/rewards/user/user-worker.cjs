/** Runs a reward function of a user's file, away from the main thread, which can end it at any time. */
const { inspect } = require('node:util');
const { parentPort, workerData } = require('node:worker_threads');

const { url, name } = workerData;

async function loadReward() {
  const module = await import(url);
  const found = module[name] ?? module.reward ?? module.default;
  if (typeof found === 'function') return found;
  throw new Error(`it exports no function "${name}", "reward" or default`);
}

/** Anything else that is no number may not be sendable to another thread. */
function checked(score) {
  if (score === null || typeof score === 'number') return score;
  throw new Error(`it returned ${inspect(score)}, no number or null`);
}

async function start() {
  const reward = await loadReward();
  const grade = async (id, args) => {
    parentPort.postMessage({ id, begun: true });
    try {
      parentPort.postMessage({ id, score: checked(await reward(...args)) });
    } catch (error) {
      parentPort.postMessage({ id, error: String(error?.message ?? error) });
    }
  };
  let last = Promise.resolve();
  parentPort.on('message', ({ id, args, ping }) => {
    if (ping !== undefined) return parentPort.postMessage({ id: ping, pong: true });
    // What earlier grades wait for comes in between the beginnings of two.
    last = last.then(() => new Promise(setImmediate)).then(() => void grade(id, args));
  });
  parentPort.postMessage({ ready: true });
}

start().catch((error) => parentPort.postMessage({ failed: String(error?.message ?? error) }));
