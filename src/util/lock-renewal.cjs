/** What the thread of a lock that is held runs: renews it, unless it was taken over. Where it cannot, the work goes on. */
const { readFileSync, utimesSync } = require('node:fs');
const { workerData } = require('node:worker_threads');

const { path, token, everyMs } = workerData;

setInterval(() => {
  try {
    if (JSON.parse(readFileSync(path, 'utf8')).token !== token) return;
    utimesSync(path, new Date(), new Date());
  } catch {}
}, everyMs);
