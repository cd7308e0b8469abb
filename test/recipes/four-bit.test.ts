/** Whole runs on a base in 4 bits: each trainer learns, what it trained is sampled as it was trained, and says what its base was. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  benchRolloutSchema,
  evalSchema,
  generateSchema,
  loadConfig,
  predictSchema,
  scoreSchema,
  serveSchema,
  sftSchema,
} from '../../src/config/index.js';
import { benchRollout } from '../../src/recipes/bench/rollout.js';
import { runEval } from '../../src/recipes/eval.js';
import { runGenerate } from '../../src/recipes/generate.js';
import { runPredict } from '../../src/recipes/predict.js';
import { openServedModels } from '../../src/recipes/sampling/served-models.js';
import { runScore } from '../../src/recipes/score.js';
import { readJson, readJsonl, toJsonl, writeFileAtomic } from '../../src/util/files.js';
import { readAdapter } from '../../src/weights/index.js';
import { tinyRuns } from './tiny-runs.js';

const NESTED = ['load_in_4bit=true', 'use_bnb_nested_quant=true'];
const FOUR_BITS = [...NESTED, 'learning_rate=1e-2'];

const { dir, said, context, tiny, keysOf, sft, dpo, grpo, column } = tinyRuns();

/** A run of `sft` on a base in 4 bits. */
const trained = join(dir, 'whole');

const SFT_KEYS = [
  ...FOUR_BITS,
  ...['per_device_train_batch_size=8', 'gradient_accumulation_steps=5', 'lora.lora_dropout=0.1'],
  ...[`eval.dataset.path=${join(dir, 'rows.jsonl')}`, 'eval.dataset.num_samples=4'],
  ...['eval.max_new_tokens=8', 'eval_steps=2', 'save_steps=2', 'max_steps=4'],
];

beforeAll(async () => {
  await sft('whole', SFT_KEYS);
}, 300_000);

const bytesOf = (name: string) =>
  readFileSync(join(dir, name, 'model', 'adapter_model.safetensors'));

test('sft: learns, goes on exactly, samples from the same base, and says what it was', async () => {
  const losses = column('whole', 'loss');
  expect(losses.at(-1)).toBeLessThan(losses[0]!);
  await sft('parts', [...SFT_KEYS, 'stop_at_accuracy=0']);
  expect(column('parts', 'loss')).toHaveLength(2);
  await sft('parts', [...SFT_KEYS, 'resume=auto']);
  expect(bytesOf('parts')).toEqual(bytesOf('whole'));
  expect(readJson(join(trained, 'run.json'))).toMatchObject({ quantization: 'nf4, nested' });
  const card = readFileSync(join(trained, 'model', 'README.md'), 'utf8');
  expect(card).toContain('its linear modules kept in 4 bits (nf4, nested)');
  expect(card).toContain('this folder and `load_in_4bit=true use_bnb_nested_quant=true`, or');
  expect(readAdapter(join(trained, 'model')).quantization).toBe('nf4, nested');
  const other = sft('parts', ['load_in_4bit=true', 'max_steps=6', 'resume=auto']);
  await expect(other).rejects.toThrow(/belongs to another model, one kept in other bits/);
  const long = sft('long', [...SFT_KEYS, 'eval.max_new_tokens=9999']);
  await expect(long).rejects.toThrow(/^eval\.max_new_tokens: 9999 tokens leave no room/);
});

test('eval takes the adapter on either base, and says where it is another', async () => {
  const evaluate = (name: string, keys: readonly string[]) =>
    runEval(
      loadConfig(evalSchema, {
        overrides: [
          ...keysOf(name, trained).filter((key) => !key.startsWith('report_to')),
          ...['max_new_tokens=8', 'dataset.num_samples=4', ...keys],
        ],
      }),
      context,
    );
  said.length = 0;
  await evaluate('eval-full', []);
  expect(said.join('\n')).toMatch(
    /trained on its base in 4 bits \(nf4, nested\), used on it as it is; load_in_4bit=true use_bnb_nested_quant=true takes the base/,
  );
  said.length = 0;
  const found = await evaluate('eval-4bit', NESTED);
  expect(said.filter((one) => one.includes('trained on its base'))).toEqual([]);
  expect(found).toMatchObject({ quantization: 'nf4, nested' });
});

describe('what was trained', () => {
  const IDS = [3, 7, 11, 15, 19, 23];

  async function score(model: string, keys: readonly string[], ids = IDS): Promise<number[]> {
    const [input, output] = [join(dir, 'score.jsonl'), join(dir, 'scored.jsonl')];
    writeFileAtomic(input, toJsonl([{ ids }]));
    const files = [`model=${model}`, `input=${input}`, `output=${output}`, 'overwrite=true'];
    const overrides = [...files, 'threads=2', ...keys];
    await runScore(loadConfig(scoreSchema, { overrides }), context);
    return readJsonl(output)[0]!.logprobs as number[];
  }

  test('is scored by both runtimes', async () => {
    const expected = await score(trained, NESTED);
    expect(await score(trained, [...NESTED, 'engine=onnxruntime'])).toBeAllclose(expected, {
      atol: 1e-4,
    });
    expect(await score(trained, [])).not.toBeAllclose(expected, { atol: 1e-3 });
  });

  test('is sampled by generate, which adds nothing to rows of another base', async () => {
    const [input, output] = [join(dir, 'prompts.jsonl'), join(dir, 'completions.jsonl')];
    writeFileAtomic(input, toJsonl([{ ids: IDS }]));
    const generate = (...keys: string[]) => {
      const own = [`model=${trained}`, `input=${input}`, `output=${output}`, 'max_new_tokens=8'];
      const overrides = [...own, 'threads=2', ...keys];
      return runGenerate(loadConfig(generateSchema, { overrides }), context);
    };
    await generate(...NESTED);
    const [row] = readJsonl(output);
    const ids = [...IDS, ...(row!.completion_ids as number[])];
    const logprobs = row!.logprobs as number[];
    const known = await score(trained, NESTED, ids);
    expect(logprobs).toBeAllclose(known.slice(IDS.length - 1), { atol: 1e-4 });
    await expect(generate('resume=auto')).rejects.toThrow(/from another prompt, or with other/);
    await expect(generate(...NESTED, 'resume=auto')).resolves.toMatchObject({ rows: 1 });
  });

  test('is served', async () => {
    const overrides = [`model=${trained}`, 'rollout_precision=float32', 'threads=2', ...NESTED];
    const served = await openServedModels(loadConfig(serveSchema, { overrides }), [], context);
    const [logprobs] = await served.sampler.score([IDS]);
    served.close();
    expect([...logprobs!]).toBeAllclose(await score(trained, NESTED), { atol: 1e-4 });
  });

  test('is sampled by a benchmark, its base alone', async () => {
    const sizes = ['batch=2', 'max_new_tokens=2', 'prompt_tokens=4', 'repeats=1', 'threads=2'];
    const overrides = [`model=${trained}`, 'adapter=none', ...sizes, ...NESTED];
    const figures = await benchRollout(loadConfig(benchRolloutSchema, { overrides }), context);
    expect(figures).toMatchObject({ quantization: 'nf4, nested', new_tokens: 4 });
  });

  test('makes predictions, which are not those of another base', async () => {
    const input = join(dir, 'messages.jsonl');
    const message = { role: 'user', content: 'What is 3 + 4?' };
    writeFileAtomic(input, toJsonl([{ messages: [message], reference_answer: '7' }]));
    const predict = (...keys: string[]) => {
      const own = [`model=${trained}`, `input=${input}`, `output_dir=${join(dir, 'predictions')}`];
      const sampling = ['n_runs=1', 'max_new_tokens=8', 'prompt_template={prompt}', 'threads=2'];
      const overrides = [...own, ...sampling, 'graders=[{name: medical_exact}]', ...keys];
      return runPredict(loadConfig(predictSchema, { overrides }), context);
    };
    await predict(...NESTED);
    await expect(predict()).rejects.toThrow(/predictions are of another model/);
    said.length = 0;
    await predict(...NESTED);
    expect(said.join('\n')).toContain('predictions of run 1: taken from');
  });
});

test.each([
  ['dpo', 'sigmoid'],
  ['kto', 'kto'],
])('%s learns', async (name, lossType) => {
  await dpo(name, [...FOUR_BITS, `loss_type=${lossType}`, 'max_steps=4']);
  const losses = column(name, 'loss');
  // The reference is the adapter switched off, on the same base.
  expect(losses[0]).toBeCloseTo(lossType === 'kto' ? 0.5 : Math.LN2, 5);
  expect(losses.at(-1)).toBeLessThan(losses[0]!);
});

test('grpo: trainer and sampler agree on the base', async () => {
  const probe = ['rollout_precision=float32', 'max_logprob_difference=1e-3'];
  await grpo('grpo', [...FOUR_BITS, 'max_steps=3', 'beta=0.05', ...probe]);
  const gaps = column('grpo', 'probe/max_logprob_difference');
  expect(gaps).toHaveLength(3);
  expect(Math.max(...gaps)).toBeLessThan(1e-3);
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
  expect(refusal(['load_in_8bit=true'])).toThrow(/Use load_in_4bit=true/);
  expect(refusal(['quantization_bit=4'])).toThrow(/Use load_in_4bit=true/);
  expect(refusal(['adapter=qlora'])).toThrow(/for qlora also load_in_4bit=true/);
});
