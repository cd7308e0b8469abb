/** Whole runs on a tiny model with experts: the loss that keeps them evenly used counts in each trainer. */
import { expect, test } from 'vitest';
import { tinyRuns } from './tiny-runs.js';

const runs = tinyRuns({ steps: 2, architecture: ['model_type=qwen3_moe'] });
const { tiny, rowsOf } = runs;

const HELD_OUT = ['eval_dataset.num_samples=8', 'eval_steps=1'];

test.each([
  { command: 'sft', keys: [`eval_dataset.path=${tiny.rows}`, ...HELD_OUT] },
  { command: 'dpo', keys: [`eval_dataset.path=${tiny.pairs}`, ...HELD_OUT] },
  { command: 'dpo', keys: ['loss_type=kto', `eval_dataset.path=${tiny.pairs}`, ...HELD_OUT] },
  { command: 'grpo', keys: ['beta=0.04'] },
] as const)('$command $keys', async ({ command, keys }) => {
  const firstOf = async (name: string, more: readonly string[]) => {
    const accumulated = ['per_device_train_batch_size=4', 'gradient_accumulation_steps=2'];
    const same = [...accumulated, 'max_steps=1', 'overwrite=true', 'learning_rate=1e-7'];
    await runs[command](name, [...same, ...keys, ...more]);
    return rowsOf(name)[0] as Record<string, number>;
  };
  const without = await firstOf('without', ['router_aux_loss_coef=0']);
  expect(Object.keys(without).filter((name) => name.includes('aux_loss'))).toEqual([]);
  const own = await firstOf('own', []);
  const heavy = await firstOf('heavy', ['router_aux_loss_coef=0.5']);
  for (const prefix of command === 'grpo' ? [''] : ['', 'eval/']) {
    const [loss, aux] = [`${prefix}loss`, `${prefix}aux_loss`];
    // Two experts a token: 2 where all are used alike.
    expect(own[aux]).toBeGreaterThan(2);
    expect(heavy[aux]).toBeCloseTo(own[aux]!, 4);
    expect(own[loss]! - without[loss]!).toBeCloseTo(0.001 * own[aux]!, 4);
    expect(heavy[loss]! - without[loss]!).toBeCloseTo(0.5 * own[aux]!, 4);
  }
});

test('its value in evaluations may be watched, less of it the better', async () => {
  const keys = [`eval_dataset.path=${tiny.rows}`, ...HELD_OUT, 'max_steps=3', 'learning_rate=1e-2'];
  const best = ['metric_for_best_model=aux_loss', 'load_best_model_at_end=true'];
  await runs.sft('watched', [...keys, ...best]);
  const values = runs.column('watched', 'eval/aux_loss');
  const at = values.indexOf(Math.min(...values)) + 1;
  expect(runs.said.join('\n')).toContain(`the best step was ${at}`);
});
