/** How gpu-check watches a card's memory: by a program in nvidia-smi's place that answers three times, then hangs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { watchingCard } from '../../../scripts/gpu-check/card-watch.js';
import { nodeProgram } from '../../support/programs.js';
import { temporaryFolder } from '../../support/temporary.js';

const bin = temporaryFolder();
const log = join(bin, 'log');
const go = join(bin, 'go');
nodeProgram(
  join(bin, 'nvidia-smi'),
  `const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const [first] = process.argv.slice(2);
appendFileSync(${JSON.stringify(log)}, first + '\\n');
const asked = readFileSync(${JSON.stringify(log)}, 'utf8').split('--id').length - 1;
const wait = () => {
  if (asked === 2 && existsSync(${JSON.stringify(go)})) console.log('5000');
  else setTimeout(wait, 10);
};
if (first === '-L') console.log('GPU 0: Tesla T4 (UUID: GPU-1)');
else if (asked === 1) console.log('1000');
else wait();
`,
);

const asked = () => readFileSync(log, 'utf8').trim().split('\n');

it('looks the card up once, and what is watched waits for no answer', async () => {
  vi.stubEnv('PATH', bin);
  const run = async () => {
    while (asked().length < 3) await delay(10);
    writeFileSync(go, '');
    while (asked().length < 4) await delay(10);
    return 'done';
  };
  expect(await watchingCard('0', run)).toEqual({ value: 'done', card_mib: 4000 });
  expect(asked()).toEqual(['-L', '--id=0', '--id=0', '--id=0']);
});
