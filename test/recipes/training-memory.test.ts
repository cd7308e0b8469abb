/** The memory plan against what a training really takes at its peak, loading and ten steps included. */
import { expect, test } from 'vitest';
import { tinyModel } from '../support/tiny-model.js';
import { call } from './command-line.js';

/** 57 M parameters, 216 MiB in float32: a second copy of them would be seen. */
const { model } = tinyModel(
  [
    'hidden_size=768',
    'intermediate_size=2048',
    'num_hidden_layers=8',
    'num_attention_heads=12',
    'num_key_value_heads=12',
  ],
  ['dtype=bfloat16'],
);

interface Figures {
  readonly peak_rss_mib: number;
  readonly planned_mib: number;
}

test.each([{}, { load_in_4bit: true }])('a training keeps to its plan: %j', async (keys) => {
  const words = Object.entries({
    ...{ model, seq: 128, batch: 2, steps: 8, threads: 2 },
    ...{ compute_dtype: 'float32', gradient_checkpointing: true, ...keys },
  }).map(([key, value]) => `${key}=${value}`);
  const { code, out, err } = await call(['bench', 'sft', ...words, '--json']);
  expect(code, err.join('\n')).toBe(0);
  const { peak_rss_mib: peak, planned_mib: planned } = JSON.parse(out) as Figures;
  expect(peak / planned).toBeLessThan(1.1);
  expect(peak / planned).toBeGreaterThan(0.75);
});
