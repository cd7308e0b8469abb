/**
 * Runs the code blocks of recorded tool-integrated solutions again and compares with the recorded outputs.
 * `LORIKEET_DATA=… npx tsx scripts/tir-replay.ts` prints the figure over all of ToRA's GSM8K outputs.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PythonSandbox } from '../src/sandbox/index.js';
import { createPythonSandbox } from '../src/sandbox/index.js';
import { readJsonl } from '../src/util/files.js';

export const TIR_FILE = 'tora/gsm8k_tir_outputs.jsonl';

export interface RecordedBlock {
  readonly row: number;
  readonly code: string;
  readonly output: string;
}

/** Blocks with a recorded output, in the order of the rows. */
export function recordedBlocks(path: string): RecordedBlock[] {
  const pattern = /```python\n([\s\S]*?)```\s*```output\n([\s\S]*?)```/g;
  return readJsonl(path).flatMap(({ completion }, row) =>
    [...String(completion).matchAll(pattern)].map(([, code = '', output = '']) => {
      return { row, code, output: output.trim() };
    }),
  );
}

export const importsOf = (code: string): string[] =>
  [...code.matchAll(/^\s*(?:from|import)\s+(\w+)/gm)].map(([, name = '']) => name);

/** What the model was shown: the output, or the last line of the traceback. */
async function replay(sandbox: PythonSandbox, { code }: RecordedBlock): Promise<string> {
  const { stdout, error } = await sandbox.run({ code, showLast: true, timeoutMs: 5000 });
  return (error ?? stdout).trim();
}

export interface Disagreement extends RecordedBlock {
  readonly found: string;
}

/** The blocks whose output is not, character by character, the recorded one. */
export async function disagreements(
  sandbox: PythonSandbox,
  blocks: readonly RecordedBlock[],
): Promise<Disagreement[]> {
  const found = await Promise.all(blocks.map((block) => replay(sandbox, block)));
  return blocks
    .map((block, i) => ({ ...block, found: found[i] ?? '' }))
    .filter(({ output, found: text }) => output !== text);
}

async function main(): Promise<void> {
  const folder = process.env.LORIKEET_DATA;
  if (folder === undefined) throw new Error('LORIKEET_DATA names no folder');
  const blocks = recordedBlocks(join(folder, TIR_FILE));
  const sandbox = await createPythonSandbox({ preload: ['sympy'] });
  const missing = await sandbox.missing();
  const usable = blocks.filter(
    ({ code }) => !importsOf(code).some((name) => missing.includes(name)),
  );
  const start = performance.now();
  const wrong = await disagreements(sandbox, usable);
  sandbox.dispose();
  for (const { row, output, found } of wrong) console.log(JSON.stringify({ row, output, found }));
  console.log(
    JSON.stringify({
      blocks: blocks.length,
      replayed: usable.length,
      agree: usable.length - wrong.length,
      share: (usable.length - wrong.length) / usable.length,
      seconds: (performance.now() - start) / 1000,
      python: sandbox.python,
      missing,
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
