/** Runs a reward function of a user's file, away from the main thread, which can end it at any time. */
const { parentPort, workerData } = require('node:worker_threads');

const { url, name } = workerData;

async function loadReward() {
  const module = await import(url);
  const found = module[name] ?? module.reward ?? module.default;
  if (typeof found === 'function') return found;
  throw new Error(`it exports no function "${name}", "reward" or default`);
}

async function start() {
  const reward = await loadReward();
  parentPort.on('message', async ({ id, args }) => {
    try {
      const score = await reward(...args);
      parentPort.postMessage({ id, score: score === undefined ? 'undefined' : score });
    } catch (error) {
      parentPort.postMessage({ id, error: String(error?.message ?? error) });
    }
  });
  parentPort.postMessage({ ready: true });
}

start().catch((error) => parentPort.postMessage({ failed: String(error?.message ?? error) }));
