/** Whole runs on a tiny model with experts: the loss that keeps them evenly used counts in each trainer, and they have LoRA. */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { setUpOperators } from '../../src/setup/index.js';
import { cacheRoot } from '../../src/util/cache.js';
import { readAdapter, toFloat32 } from '../../src/weights/index.js';
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

describe('LoRA on experts', () => {
  const LORA = [
    'lora.target_modules=[]',
    'lora.target_parameters=[gate_up_proj,down_proj]',
    'lora.lora_dropout=0',
    'lora.r=2',
  ];
  const trainedIn = (name: string) => [...readAdapter(join(runs.dir, name, 'model')).tensors];

  beforeAll(
    () => setUpOperators({ root: cacheRoot(), observer: { log: () => undefined } }),
    120_000,
  );

  test.each([
    { command: 'sft', keys: [] },
    { command: 'sft', keys: ['load_in_4bit=true'] },
    { command: 'dpo', keys: [] },
    { command: 'dpo', keys: ['loss_type=kto'] },
    {
      command: 'grpo',
      keys: ['beta=0.04', 'rollout_precision=float32', 'max_logprob_difference=1e-3'],
    },
  ] as const)('$command $keys', async ({ command, keys }) => {
    await runs[command]('lora', [...LORA, ...keys, 'max_steps=2', 'overwrite=true']);
    const trained = trainedIn('lora');
    expect(trained.map(([name]) => name)).toEqual(
      [0, 1].flatMap((layer) =>
        ['gate_up_proj', 'down_proj'].map((name) => `model.layers.${layer}.mlp.experts.${name}`),
      ),
    );
    for (const [name, { b }] of trained) {
      expect(Math.max(...toFloat32(b).map(Math.abs)), name).toBeGreaterThan(0);
    }
  });

  test('is gone on from', async () => {
    const learning = ['learning_rate=1e-2', 'lr_scheduler_type=constant'];
    await runs.sft('first', [...LORA, ...learning, 'max_steps=4']);
    const adapter = join(runs.dir, 'first', 'model');
    await runs.sft('second', [...learning, 'lora.lora_dropout=0', 'max_steps=4'], adapter);
    const losses = [...runs.column('first', 'loss'), ...runs.column('second', 'loss')];
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    expect(losses[4]).toBeLessThan(losses[0]!);
    expect(trainedIn('second').length).toBe(4);
  });

  test.each([
    [
      'lora.lora_dropout=0.1',
      'target_parameters: LoRA on parameters has no lora_dropout=0.1, as in PEFT. Set lora.lora_dropout=0, or',
    ],
    ['lora.use_dora=true', 'target_parameters: LoRA on parameters has no use_dora=true'],
    ['lora.init_lora_weights=pissa', 'LoRA on parameters has no init_lora_weights=pissa'],
    ['lora.target_parameters=[mlp.gate.weight]', '"mlp.gate.weight" names no parameter of experts'],
    ['lora.rank_pattern={up_proj: 3}', 'lora.rank_pattern: "up_proj" matches no module with LoRA'],
  ])('%s is refused', async (key, message) => {
    await expect(runs.sft('refused', [...LORA, key])).rejects.toThrow(message);
  });
});
