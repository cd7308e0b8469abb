/** Who judges the answers of a trainer: its benchmark, its rewards, its answer format. */
import { describe, expect, it, vi } from 'vitest';
import { grpoSchema, loadConfig, sftSchema } from '../../../../src/config/index.js';
import {
  checkEvaluationRollouts,
  evaluationKeys,
  trainerJudge,
} from '../../../../src/recipes/training/evaluate-trained.js';
import { goldenCase } from '../../../support/golden-models.js';

const base = ['model=m', 'dataset=gsm8k'];
const grpo = (...keys: string[]) => loadConfig(grpoSchema, { overrides: [...base, ...keys] });
const REWARDS = {
  olympiad: 'rewards=[{name: olympiad}]',
  boxed: 'rewards=[{name: format, weight: 0.1}, {name: boxed}]',
  cosine: 'rewards=[{name: cosine_scaled, options: {of: boxed}}]',
};
const BOXED = 'So it is \\boxed{\\frac{1}{2}}.';
const TAGGED = '<start_working_out>1+1<end_working_out><SOLUTION>2</SOLUTION>';

describe('the judge of a trainer', () => {
  it.each(Object.values(REWARDS))('reads mathematics in boxes with %s', (rewards) => {
    const judge = trainerJudge(grpo(rewards));
    expect(judge(BOXED, { answer: '0.5' })).toMatchObject({
      answer: '\\frac{1}{2}',
      correct: true,
    });
    expect(judge(BOXED, { answer: '0.25' }).correct).toBe(false);
    expect(judge('\\boxed{}', { answer: '0.5' }).correct).toBe(false);
  });

  it('is the same for configs/olympiad/rl.yaml', () => {
    const file = 'configs/olympiad/rl.yaml';
    const judge = trainerJudge(loadConfig(grpoSchema, { file, overrides: base }));
    expect(judge(BOXED, { answer: '1/2' }).correct).toBe(true);
  });

  it('reads numbers in tags with the default rewards', () => {
    const judge = trainerJudge(grpo());
    expect(judge(TAGGED, { answer: '2' }).correct).toBe(true);
    expect(judge('\\boxed{2}', { answer: '2' }).correct).toBe(false);
  });

  it.each([
    ['medical_exact', 0],
    ['medical_fuzzy', 1],
    ['medical_combined', 0.85],
  ] as const)('compares terms, without any tags, with %s', (name, score) => {
    const judge = trainerJudge(grpo(`rewards=[{name: ${name}}]`));
    const row = { reference_answer: 'Renal failure' };
    expect(judge('renal failure', row)).toMatchObject({ correct: score === 1, score });
    expect(judge('Renal failure', row)).toMatchObject({ answer: 'Renal failure', correct: true });
  });

  it('follows a benchmark that is named', () => {
    const numeric = trainerJudge(grpo(REWARDS.olympiad, 'eval.benchmark=gsm8k'));
    expect(numeric('\\boxed{2}', { answer: '2' }).correct).toBe(false);
    const math = trainerJudge(grpo('eval.benchmark=math'));
    expect(math(BOXED, { answer: '0.5' }).correct).toBe(true);
  });

  it('keeps the answer format that sft teaches', () => {
    const keys = [...base, 'answer_format=boxed', 'eval.temperature=0'];
    const config = loadConfig(sftSchema, { overrides: keys });
    expect(evaluationKeys(config, config.eval!)).toMatchObject({
      answer_format: 'boxed',
      benchmark: 'gsm8k',
    });
    expect(trainerJudge(config)('\\boxed{2}', { answer: '2' }).correct).toBe(true);
  });
});

describe('an evaluation that another key asks for', () => {
  it('is of the rows that eval_samples holds out', () => {
    const config = grpo('eval_samples=8', 'max_completion_length=99', REWARDS.olympiad);
    expect(config.eval).toMatchObject({ benchmark: null, max_new_tokens: 99 });
    expect(evaluationKeys(config, config.eval!)).toMatchObject({
      grader: 'math',
      dataset: { name: 'gsm8k', split: 'train', num_samples: 8 },
    });
  });

  it('is of the test split where eval_steps stands alone', () => {
    const config = grpo('eval_steps=2');
    expect(evaluationKeys(config, config.eval!).dataset).toMatchObject({
      name: 'gsm8k',
      split: 'test',
    });
    const own = ['model=m', 'dataset.path=rows.jsonl', 'eval_steps=2'];
    expect(() => loadConfig(grpoSchema, { overrides: own })).toThrow(
      /eval_steps: no rows to evaluate on. Give eval_samples/,
    );
  });

  it('is none where nothing asks', () => {
    expect(grpo().eval).toBeNull();
    expect(() => grpo('eval_samples=8', 'eval.dataset=math')).toThrow(/eval names its own rows/);
  });
});

describe('where an evaluation is sampled', () => {
  const sampledBy = (...keys: string[]) => {
    const config = grpo('eval.benchmark=gsm8k', ...keys);
    return evaluationKeys(config, config.eval!);
  };
  const rollouts = ['rollout_device=cuda', 'rollout_memory_limit=8'];

  it('is where the trainer samples, in as much of the card', () => {
    expect(sampledBy(...rollouts)).toMatchObject({
      rollout_device: 'cuda',
      rollout_memory_limit: 8,
      rollout_precision: null,
    });
  });

  it('is elsewhere where it says so', () => {
    expect(sampledBy(...rollouts, 'eval.rollout_device=cpu')).toMatchObject({
      rollout_device: 'cpu',
      rollout_memory_limit: null,
    });
  });

  it('is auto for trainers that sample nothing', () => {
    const config = loadConfig(sftSchema, { overrides: [...base, 'eval.benchmark=gsm8k'] });
    expect(evaluationKeys(config, config.eval!).rollout_device).toBe('auto');
  });

  it('is refused by its name before training where there is no card', () => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '');
    const config = grpo('eval.benchmark=gsm8k', 'eval.rollout_device=cuda');
    const { spec } = goldenCase('llama');
    expect(() => checkEvaluationRollouts(config, spec)).toThrow(
      /^eval.rollout_device=cuda: no NVIDIA GPU is visible/,
    );
    expect(() => checkEvaluationRollouts(grpo(), spec)).not.toThrow();
    const here = grpo('eval.benchmark=gsm8k', 'eval.rollout_device=cpu');
    expect(() => checkEvaluationRollouts(here, { ...spec, headDim: 8 })).toThrow(
      /^rollout: the model's head size is 8, not a multiple of 16/,
    );
  });
});
