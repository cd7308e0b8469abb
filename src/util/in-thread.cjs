/** What a thread of in-thread.ts runs. */
const { parentPort, workerData } = require('node:worker_threads');

async function answer({ module, name, args }) {
  // A program that is built has JavaScript only; a development set-up has tsx.
  if (module.endsWith('.ts')) (await import('tsx/esm/api')).register();
  const { [name]: call } = await import(module);
  parentPort.postMessage(await call(...args));
}

// What it throws ends the thread, and is told there.
void answer(workerData);
