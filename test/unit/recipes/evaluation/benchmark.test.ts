/** How answers are graded: as the config says, else as the benchmark does, and never by a guess. */
import { expect, it } from 'vitest';
import { impliedEvaluation, loadConfig, sftSchema } from '../../../../src/config/index.js';
import { benchmarkRows, graderName } from '../../../../src/recipes/evaluation/benchmark.js';
import { evaluationKeys } from '../../../../src/recipes/training/evaluate-trained.js';

it('auto is the way of the benchmark; a grader that is named holds for any', () => {
  expect(graderName({ benchmark: 'math-500', grader: 'auto' })).toBe('math');
  expect(graderName({ benchmark: 'gsm8k', grader: 'auto' })).toBe('numeric');
  expect(graderName({ benchmark: 'of-my-own', grader: 'math' })).toBe('math');
});

it('auto is refused for a benchmark that is not known, whatever rows are named', () => {
  expect(() => graderName({ benchmark: 'math500', grader: 'auto' })).toThrow(
    /^benchmark: "math500" is not known\. Known are gsm8k,.*; or say how answers are compared: grader=/,
  );
});

it("errors of a trainer's evaluation name its keys", () => {
  const dataset = { ...impliedEvaluation().dataset };
  const rows = (benchmark: string) => () => benchmarkRows({ benchmark, dataset, section: 'eval.' });
  expect(rows('medical')).toThrow(
    'eval.dataset: medical has no rows of its own. Give eval.dataset=NAME or FILE, and eval.dataset.columns where names differ',
  );
  const named = { benchmark: 'math500', grader: 'auto', section: 'eval.' } as const;
  for (const wrong of [rows('math500'), () => graderName(named)]) {
    expect(wrong).toThrow(/^eval\.benchmark: "math500" is not known\. Known are [^;]*$/);
  }
  const { section } = evaluationKeys(
    loadConfig(sftSchema, { overrides: ['model=m', 'dataset=gsm8k', 'eval.benchmark=medical'] }),
    impliedEvaluation(),
  );
  expect(section).toBe('eval.');
});
