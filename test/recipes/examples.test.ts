/** The programs of docs/api.md run, one after the other in the same folder. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporary.js';

const folder = temporaryFolder();

/** Standard output of a program in `scripts/examples`. */
async function outputOf(name: string): Promise<string> {
  const program = resolve('scripts/examples', name);
  const env = { ...process.env, TSX_TSCONFIG_PATH: resolve('tsconfig.json') };
  const args = ['--import', import.meta.resolve('tsx'), program];
  return (await promisify(execFile)(process.execPath, args, { cwd: folder, env })).stdout;
}

it('train.ts makes data and a model, trains and evaluates it', async () => {
  expect(await outputOf('train.ts')).toMatch(/eval_size: 50,/);
});

it('sample.ts samples with the adapter that train.ts made', async () => {
  const rows = (await outputOf('sample.ts'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows.length).toBe(4);
  for (const row of rows) {
    expect(row).toMatchObject({ text: expect.any(String), finishReason: expect.any(String) });
    expect(row.logprob).toBeLessThan(0);
  }
});
