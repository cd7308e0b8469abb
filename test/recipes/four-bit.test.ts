/** Whole runs on a base in 4 bits: each trainer learns, samples from what it trains on, and says what its base was. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import {
  dpoSchema,
  evalSchema,
  grpoSchema,
  loadConfig,
  scoreSchema,
  sftSchema,
} from '../../src/config/index.js';
import { runDpo } from '../../src/recipes/dpo.js';
import { runEval } from '../../src/recipes/eval.js';
import { runGrpo } from '../../src/recipes/grpo.js';
import { runScore } from '../../src/recipes/score.js';
import { runSft } from '../../src/recipes/sft.js';
import {
  type JsonRow,
  readJson,
  readJsonl,
  toJsonl,
  writeFileAtomic,
} from '../../src/util/files.js';
import { readAdapter } from '../../src/weights/index.js';
import { logInto } from '../support/context.js';
import { temporaryFolder } from '../support/temporary.js';
import { FORMAT_KEYS, type TinyTraining, tinyTraining } from '../support/tiny-training.js';

const FOUR_BITS = ['load_in_4bit=true', 'use_bnb_nested_quant=true', 'learning_rate=1e-2'];

let dir: string;
let tiny: TinyTraining;
const said: string[] = [];
const context = logInto(said);

beforeAll(async () => {
  dir = temporaryFolder();
  tiny = await tinyTraining(dir);
  await sft('start', ['max_steps=20', ...FORMAT_KEYS], tiny.base);
});

const keysOf = (name: string, model: string) => [
  `model=${model}`,
  ...tiny.keys,
  'report_to=none',
  `output_dir=${join(dir, name)}`,
];

const sft = (name: string, keys: readonly string[], model = join(dir, 'start')) =>
  runSft(loadConfig(sftSchema, { overrides: [...keysOf(name, model), ...keys] }), context);

const column = (name: string, key: string): number[] =>
  readJsonl(join(dir, name, 'metrics.jsonl')).map((row) => Number((row as JsonRow)[key]));

const bytesOf = (name: string) =>
  readFileSync(join(dir, name, 'model', 'adapter_model.safetensors'));

test('sft: learns, goes on exactly, samples from the same base, and says what it was', async () => {
  const evaluation = ['eval.max_new_tokens=8', 'eval.dataset.num_samples=4', 'eval_steps=2'];
  const own = ['eval.dataset.path=', join(dir, 'rows.jsonl')].join('');
  const batch = ['per_device_train_batch_size=8', 'gradient_accumulation_steps=5'];
  const keys = [
    ...FOUR_BITS,
    ...batch,
    'lora.lora_dropout=0.1',
    own,
    ...evaluation,
    'save_steps=2',
  ];
  await sft('whole', [...keys, 'max_steps=4']);
  const losses = column('whole', 'loss');
  expect(losses.at(-1)).toBeLessThan(losses[0]!);
  await sft('parts', [...keys, 'max_steps=4', 'learning_rate=1e-2', 'stop_at_accuracy=0']);
  expect(column('parts', 'loss')).toHaveLength(2);
  await sft('parts', [...keys, 'max_steps=4', 'resume=auto']);
  expect(bytesOf('parts')).toEqual(bytesOf('whole'));
  expect(readJson(join(dir, 'whole', 'run.json'))).toMatchObject({ quantization: 'nf4, nested' });
  const card = readFileSync(join(dir, 'whole', 'model', 'README.md'), 'utf8');
  expect(card).toContain('its linear modules kept in 4 bits (nf4, nested)');
  expect(readAdapter(join(dir, 'whole', 'model')).quantization).toBe('nf4, nested');
  const other = sft('parts', ['load_in_4bit=true', 'max_steps=6', 'resume=auto']);
  await expect(other).rejects.toThrow(/belongs to another model, one kept in other bits/);
});

test('eval and score take the adapter on either base, and say where it is another', async () => {
  const model = join(dir, 'whole');
  const evaluate = (name: string, keys: readonly string[]) =>
    runEval(
      loadConfig(evalSchema, {
        overrides: [
          ...keysOf(name, model).filter((key) => !key.startsWith('report_to')),
          ...['max_new_tokens=8', 'dataset.num_samples=4', ...keys],
        ],
      }),
      context,
    );
  said.length = 0;
  await evaluate('eval-full', []);
  const line = /trained on its base in 4 bits \(nf4, nested\), used on it as it is/;
  expect(said.filter((one) => line.test(one))).toHaveLength(1);
  said.length = 0;
  const found = await evaluate('eval-4bit', ['load_in_4bit=true', 'use_bnb_nested_quant=true']);
  expect(said.filter((one) => one.includes('trained on its base'))).toEqual([]);
  expect(found).toMatchObject({ quantization: 'nf4, nested' });
  const input = join(dir, 'score.jsonl');
  writeFileAtomic(input, toJsonl([{ ids: [3, 7, 11, 15, 19, 23] }]));
  const score = async (keys: readonly string[]): Promise<number[]> => {
    const output = join(dir, `score-${keys.join('-')}.jsonl`);
    const overrides = [
      `model=${model}`,
      `input=${input}`,
      `output=${output}`,
      'threads=2',
      ...keys,
    ];
    await runScore(loadConfig(scoreSchema, { overrides }), context);
    return readJsonl(output)[0]!.logprobs as number[];
  };
  const nested = ['load_in_4bit=true', 'use_bnb_nested_quant=true'];
  const trainer = await score(nested);
  expect(await score([...nested, 'engine=onnxruntime'])).toBeAllclose(trainer, { atol: 1e-4 });
  expect(await score([])).not.toBeAllclose(trainer, { atol: 1e-3 });
});

test.each([
  ['dpo', 'sigmoid'],
  ['kto', 'kto'],
])('%s learns', async (name, lossType) => {
  const overrides = [
    ...keysOf(name, join(dir, 'start')),
    `dataset.path=${tiny.pairs}`,
    'per_device_train_batch_size=8',
    ...FOUR_BITS,
    `loss_type=${lossType}`,
    'max_steps=4',
  ];
  await runDpo(loadConfig(dpoSchema, { overrides }), context);
  const losses = column(name, 'loss');
  // The reference is the adapter switched off, on the same base.
  expect(losses[0]).toBeCloseTo(lossType === 'kto' ? 0.5 : Math.LN2, 5);
  expect(losses.at(-1)).toBeLessThan(losses[0]!);
});

test('grpo: trainer and sampler agree on the base', async () => {
  const overrides = [
    ...keysOf('grpo', join(dir, 'start')),
    ...['num_generations=4', 'max_completion_length=16', 'per_device_train_batch_size=16'],
    ...FOUR_BITS,
    ...['max_steps=3', 'beta=0.05', 'rollout_precision=float32', 'max_logprob_difference=1e-3'],
  ];
  await runGrpo(loadConfig(grpoSchema, { overrides }), context);
  expect(column('grpo', 'probe/max_logprob_difference').every((gap) => gap < 1e-3)).toBe(true);
  expect(column('grpo', 'kl')[0]).toBeLessThan(1e-6);
});

test('what a frozen base cannot be is refused', () => {
  const refusal = (keys: readonly string[]) => () =>
    loadConfig(sftSchema, { overrides: [...keysOf('none', tiny.base), ...keys] });
  expect(refusal(['load_in_4bit=true', 'use_lora=false'])).toThrow(
    /load_in_4bit: weights in 4 bits cannot be trained. Set use_lora=true/,
  );
  expect(refusal(['load_in_4bit=true', 'lora.init_lora_weights=pissa'])).toThrow(
    /lora.init_lora_weights: pissa changes the base.*Set lora.init_lora_weights=true/,
  );
  expect(refusal(['use_bnb_nested_quant=true'])).toThrow(/Set load_in_4bit=true/);
  expect(refusal(['load_in_8bit=true'])).toThrow(/Use load_in_4bit=true/);
  expect(refusal(['quantization_bit=4'])).toThrow(/Use load_in_4bit=true/);
  expect(refusal(['adapter=qlora'])).toThrow(/for qlora also load_in_4bit=true/);
});
