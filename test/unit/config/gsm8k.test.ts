/** The files of the GSM8K comparison: valid as they stand, with the documented names and numbers. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CommandName, commandSchemas, loadConfig } from '../../../src/config/index.js';
import { loadPipeline } from '../../../src/recipes/pipeline.js';
import { loadSweep } from '../../../src/recipes/sweep.js';

const folder = 'configs/gsm8k';
const commands: Record<string, CommandName | 'run' | 'sweep'> = {
  'model.yaml': 'init-model',
  'base_eval.yaml': 'eval',
  'prep_sft.yaml': 'sft',
  'full_sft.yaml': 'sft',
  'grpo.yaml': 'grpo',
  'eval.yaml': 'eval',
  'traces.yaml': 'traces',
  'compare.yaml': 'run',
  'sweep.yaml': 'sweep',
  'traces_sft.yaml': 'run',
};

function load(name: string, env: Record<string, string> = {}): unknown {
  const command = commands[name] as CommandName | 'run' | 'sweep';
  const file = join(folder, name);
  if (command === 'run') return loadPipeline({ file, env });
  if (command === 'sweep') return loadSweep({ file, env });
  return loadConfig(commandSchemas[command], { file, env });
}

describe(folder, () => {
  it('has the files of the table and no others', () => {
    expect(readdirSync(folder).sort()).toEqual(Object.keys(commands).sort());
  });

  it.each(Object.keys(commands))('%s is valid as it stands', (name) => {
    expect(() => load(name)).not.toThrow();
  });

  it('takes its counts and its root from the environment', () => {
    const env = {
      TRAIN_SAMPLES: '11',
      PREP_TRAIN_SAMPLES: '12',
      EVAL_SAMPLES: '13',
      NUM_GENERATIONS: '2',
      OUTPUT_DIR: '/tmp/elsewhere',
    };
    expect(load('full_sft.yaml', env)).toMatchObject({
      dataset: { num_samples: 11 },
      eval: { dataset: { num_samples: 13 } },
      output_dir: '/tmp/elsewhere/full_sft',
    });
    expect(load('prep_sft.yaml', env)).toMatchObject({ dataset: { num_samples: 12 } });
    expect(load('base_eval.yaml', env)).toMatchObject({
      dataset: { num_samples: 13 },
      output_file: 'base_model_eval.csv',
    });
    expect(load('grpo.yaml', env)).toMatchObject({
      num_generations: 2,
      per_device_train_batch_size: 2,
      model: '/tmp/elsewhere/prep_sft',
    });
  });

  it('asks the same of the model everywhere', () => {
    const prompts = Object.keys(commands)
      .map((name) => (load(name) as { system_prompt?: string }).system_prompt)
      .filter((prompt) => prompt !== undefined);
    expect(prompts.length).toBe(6);
    expect(new Set(prompts).size).toBe(1);
  });
});

describe('compare.yaml', () => {
  const pipeline = loadPipeline({
    file: `${folder}/compare.yaml`,
    env: { OUTPUT_DIR: '/o', TRAIN_SAMPLES: '16' },
  });
  const stage = (id: string) => pipeline.stages.find((candidate) => candidate.id === id);

  it('trains both from the prepared model', () => {
    expect(stage('full_sft')?.config).toMatchObject({ model: '/o/prep_sft', stage: 'full' });
    expect(stage('grpo')?.config).toMatchObject({ model: '/o/prep_sft' });
    expect(stage('prep_sft')?.config).toMatchObject({ model: '/o/model', stage: 'prep' });
    expect(stage('grpo')?.upstream).toEqual(['prep_sft']);
  });

  it('gives every training the same number of samples, by the environment or the command line', () => {
    const file = `${folder}/compare.yaml`;
    const counts = (overrides: string[], env: Record<string, string>) =>
      loadPipeline({ file, overrides, env }).stages.flatMap(({ id, config }) => {
        const isCounted = ['full_sft', 'grpo', 'traces', 'traces_sft'].includes(id);
        return isCounted ? [(config.dataset as { num_samples: number }).num_samples] : [];
      });
    expect(counts([], { TRAIN_SAMPLES: '16' })).toEqual([16, 16, 16, 16]);
    expect(counts(['vars.train_samples=24'], {})).toEqual([24, 24, 24, 24]);
  });

  it('writes the named folders and files', () => {
    const outputs = pipeline.stages.map(({ output }) => output);
    expect(outputs).toEqual([
      '/o/model',
      '/o/base_eval',
      '/o/prep_sft',
      '/o/full_sft',
      '/o/grpo',
      '/o/prep_sft_eval',
      '/o/full_sft_eval',
      '/o/grpo_eval',
      '/o/traces',
      '/o/traces/16',
      '/o/traces/16_eval',
      '/o/comparison.csv',
      '/o/against_full_sft.csv',
    ]);
    expect(stage('traces')?.config).toMatchObject({ output_file: 'grpo_traces_train.jsonl' });
    expect(stage('traces_sft')?.config).toMatchObject({
      traces_file: '/o/traces/grpo_traces_train.jsonl',
    });
  });
});

describe('sweep.yaml', () => {
  it('has one prepared model and a folder for every number of samples', () => {
    const sweep = loadSweep({ file: `${folder}/sweep.yaml`, env: { OUTPUT_DIR: '/o' } });
    const root = '/o/compare-train-samples';
    expect(sweep.stages.map(({ output }) => output)).toEqual([
      `${root}/model`,
      `${root}/prep_sft`,
      ...[256, 512, 1024, 2048].flatMap((n) => [`${root}/${n}/full_sft`, `${root}/${n}/grpo`]),
    ]);
    for (const { point, config } of sweep.stages) {
      if (point === null) continue;
      expect(config).toMatchObject({
        model: `${root}/prep_sft`,
        dataset: { num_samples: point.n },
      });
    }
  });
});

describe('traces_sft.yaml', () => {
  it("starts from the sweep's 1024 run and ends in an evaluation", () => {
    const { stages } = loadPipeline({
      file: `${folder}/traces_sft.yaml`,
      env: { OUTPUT_DIR: '/o' },
    });
    const root = '/o/compare-train-samples';
    expect(stages.map(({ config }) => config.model)).toEqual([
      `${root}/1024/grpo`,
      `${root}/prep_sft`,
      `${root}/traces/1024`,
    ]);
    expect(stages[2]?.config).toMatchObject({ output_file: 'traces_sft_eval.csv' });
    expect(stages[0]?.config).toMatchObject({
      dataset: { split: 'train', num_samples: 2048 },
      batch_size: 32,
      max_attempts: 5,
      temperature: 0.8,
    });
  });
});
