/** What a worker thread of worker-thread.ts runs: loads one module and calls its functions by name. */
const { parentPort, workerData } = require('node:worker_threads');

const textOf = (error) =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

async function serve() {
  if (workerData.loader !== null) (await import(workerData.loader)).register();
  const module = await import(workerData.module);
  parentPort.on('message', async ({ name, args }) => {
    try {
      if (typeof module[name] !== 'function')
        throw new TypeError(`no function "${name}" is exported`);
      const value = await module[name](...args);
      parentPort.postMessage({ value });
    } catch (error) {
      parentPort.postMessage({ error: textOf(error) });
    }
  });
  parentPort.postMessage({ ready: true });
}

serve().catch((error) => {
  parentPort.postMessage({ failed: textOf(error) });
  parentPort.close();
});
