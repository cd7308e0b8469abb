/**
 * `npm run quickstart`: builds, sets up TensorFlow and runs `lorikeet quickstart` with the words given, e.g.
 * `npm run quickstart -- seed=2`. Building and set-up are timed apart from the quickstart itself.
 */
import { spawn } from 'node:child_process';

const words = process.argv.slice(2);
const start = performance.now();

/** Runs Node on a script; the terminal sends Ctrl-C to it as well, so that it ends in its own way. */
function run(script, args, env = {}) {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  const forward = () => child.kill('SIGTERM');
  process.on('SIGTERM', forward);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('SIGTERM', forward);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}

async function runOrExit(script, args, env) {
  const code = await run(script, args, env);
  if (code !== 0) process.exit(code);
}

process.on('SIGINT', () => {});
await runOrExit('scripts/build.mjs', []);
const device = words.filter((word) => word.startsWith('device='));
await runOrExit('dist/cli/main.js', ['setup', ...device]);
const LORIKEET_SETUP_SECONDS = ((performance.now() - start) / 1000).toFixed(1);
await runOrExit('dist/cli/main.js', ['quickstart', ...words], { LORIKEET_SETUP_SECONDS });
