/** GRPO whose reward is a model folder that judges: every completion gets its grade, and the judge is counted. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { grpoSchema, loadConfig } from '../../src/config/index.js';
import { runGrpo } from '../../src/recipes/grpo.js';
import { readJsonl } from '../../src/util/files.js';
import { SILENT } from '../support/context.js';
import { temporaryFolder } from '../support/temporary.js';
import { tinyTraining } from '../support/tiny-training.js';

const folder = temporaryFolder();
const { base, keys } = tinyTraining(folder);

test('grpo learns from a judge of its own', async () => {
  const grader = join(folder, 'judge.json');
  writeFileSync(
    grader,
    JSON.stringify({
      type: 'score_model',
      name: 'judge',
      model: 'local',
      range: [0, 1],
      input: 'Score {{ sample.output_text }}:',
    }),
  );
  const judged = async (name: string) => {
    const output = join(folder, name);
    const overrides = [
      ...[...keys, `model=${base}`, `output_dir=${output}`, 'max_steps=2', 'num_generations=4'],
      ...['per_device_train_batch_size=8', 'gradient_accumulation_steps=1', 'learning_rate=1e-3'],
      ...['max_completion_length=8', 'rollout_precision=float32', 'dataset.shuffle=false'],
      ...[`rewards=[{name: judged, grader: ${grader}}]`, `judge.model_path=${base}`],
      ...['judge.prompt_template={prompt}', 'judge.max_new_tokens=24', 'judge.cache_dir=null'],
    ];
    await runGrpo(loadConfig(grpoSchema, { overrides }), SILENT);
    const [samples, metrics] = ['samples.jsonl', 'metrics.jsonl'].map((file) =>
      readJsonl(join(output, file)),
    );
    return { samples: samples!, metrics: metrics! };
  };
  const { samples, metrics } = await judged('a');
  expect(samples).toHaveLength(16);
  for (const { statuses, rewards } of samples) {
    expect(statuses).toEqual({ judged: 'ok' });
    const score = (rewards as { judged: number }).judged;
    expect(score >= 0 && score <= 1).toBe(true);
  }
  expect(new Set(samples.map(({ reward }) => reward)).size).toBeGreaterThan(1);
  const counts = metrics.flatMap((row) => row['judge/requests'] ?? []);
  expect(counts).toEqual([8, 16]);
  // the same seed, the same judgements
  const again = await judged('b');
  const told = (rows: typeof samples) => rows.map(({ completion, reward }) => [completion, reward]);
  expect(told(again.samples)).toEqual(told(samples));
}, 240_000);
