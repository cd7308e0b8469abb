/** A file of weights that is cut while a server uses it: the process ends by a bus error, and says why. */

import { once } from 'node:events';
import { truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { testOperators } from '../support/operators.js';
import { temporaryFolder } from '../support/temporary.js';
import { call, start } from './command-line.js';

testOperators();

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/** A server that has answered once. */
async function serving() {
  const model = join(temporaryFolder(), 'model');
  // More than goes into the graph itself.
  const sizes = ['hidden_size=512', 'intermediate_size=2048', 'num_hidden_layers=2'];
  const architecture = sizes.map((size) => `architecture.${size}`);
  const made = await call(['init-model', `output=${model}`, ...architecture]);
  expect(made.code).toBe(0);
  const port = await freePort();
  const { child, end } = start(['serve', `model=${model}`, `port=${port}`]);
  const ask = (prompt: string) =>
    fetch(`http://127.0.0.1:${port}/v1/completions`, {
      method: 'POST',
      body: JSON.stringify({ prompt, max_tokens: 2 }),
    });
  for (;;) {
    const reply = await ask('1').catch(() => null);
    if (reply?.ok || child.exitCode !== null) break;
    await sleep(100);
  }
  return { model, child, end, ask };
}

it('says so', async () => {
  const { model, child, end, ask } = await serving();
  truncateSync(join(model, 'model.safetensors'), 1000);
  await expect(ask('2')).rejects.toThrow();
  const { err } = await end;
  expect(child.signalCode).toBe('SIGBUS');
  expect(err.at(-1)).toMatch(/^error: a file .*mapped.*weights, was cut while it was in use/);
}, 120_000);

it('is not what is said of a signal', async () => {
  const { child, end } = await serving();
  child.kill('SIGBUS');
  const { err } = await end;
  expect(child.signalCode).toBe('SIGBUS');
  expect(err.join('\n')).not.toContain('was cut');
}, 120_000);
