/** What a thread of in-thread.ts runs. */
const { parentPort, workerData } = require('node:worker_threads');

async function answer({ loader, module, name, args }) {
  if (loader !== null) (await import(loader)).register();
  const { [name]: call } = await import(module);
  parentPort.postMessage(await call(...args));
}

// What it throws ends the thread, and is told there.
void answer(workerData);
