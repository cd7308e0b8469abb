/** The figures of `bench rollout` on a tiny checkpoint: what is counted, and what lengths do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { benchRolloutSchema, loadConfig } from '../../../../src/config/index.js';
import { benchRollout } from '../../../../src/recipes/bench/rollout.js';
import { SILENT } from '../../../support/context.js';
import { tinyModel } from '../../../support/tiny-model.js';

const { folder, model } = tinyModel([
  ...['hidden_size=32', 'intermediate_size=64', 'num_hidden_layers=2'],
  ...['num_attention_heads=2', 'num_key_value_heads=1'],
]);

const configOf = (...words: string[]) =>
  loadConfig(benchRolloutSchema, {
    overrides: [`model=${model}`, 'repeats=1', 'threads=1', 'prompt_tokens=4', ...words],
  });
const bench = (...words: string[]) => benchRollout(configOf(...words), SILENT);

it('counts every new token of completions of full length', async () => {
  const figures = await bench('batch=3', 'requests=4', 'num_generations=2', 'max_new_tokens=5');
  expect(figures).toMatchObject({ benchmark: 'rollout', batch: 3, completions: 8, new_tokens: 40 });
  for (const value of [figures.tokens_per_s, figures.prefill_s, figures.peak_rss_mib]) {
    expect(value).toBeGreaterThan(0);
  }
});

it('draws lengths from the answers of a file, the same for both kinds of scheduling', async () => {
  const lengths = join(folder, 'lengths.jsonl');
  writeFileSync(lengths, '{"answer":"ab"}\n{"answer":"abcdefgh"}\n');
  const words = ['batch=2', 'requests=6', 'max_new_tokens=7', `lengths=${lengths}`];
  const continuous = await bench(...words);
  const batches = await bench(...words, 'scheduling=static');
  expect(batches.new_tokens).toBe(continuous.new_tokens);
  expect(continuous.new_tokens).toBeGreaterThan(6 * 2);
  expect(continuous.new_tokens).toBeLessThan(6 * 7);
});

it('names the row whose length is not known', async () => {
  const lengths = join(folder, 'bad.jsonl');
  writeFileSync(lengths, '{"answer":"ab"}\n{"question":"?"}\n');
  await expect(bench(`lengths=${lengths}`)).rejects.toThrow(`${lengths}:2: no text in answer`);
});

it('ends before its next call when it is stopped', async () => {
  const stopped = { ...SILENT, signal: AbortSignal.abort('SIGTERM') };
  await expect(benchRollout(configOf(), stopped)).rejects.toBe('SIGTERM');
});
