/** `correct` of graded rows agrees with the reward that they are graded by. */
import { describe, expect, it } from 'vitest';
import { generateSchema, loadConfig } from '../../../../src/config/index.js';
import { verdictOf } from '../../../../src/recipes/rewards/verdict.js';
import { makeRewards } from '../../../../src/rewards/index.js';

const configOf = (rewards: string) =>
  loadConfig(generateSchema, {
    overrides: ['model=m', 'prompt=x', `rewards=[${rewards}]`],
  });

function correct(rewards: string, completion: string, row: object): boolean | null | undefined {
  const config = configOf(rewards);
  const grade = makeRewards(config.rewards)(completion, { ...row });
  return verdictOf(config)?.(completion, { ...row }, grade);
}

const TAGGED = '<start_working_out>2+2<end_working_out><SOLUTION>4</SOLUTION>';
const GSM8K = { question: '2+2?', answer: '2 + 2 = 4.\n#### 4' };

describe('verdictOf', () => {
  it.each([
    ['{name: boxed}', 'So \\boxed{4}.', 'So \\boxed{5}.'],
    ['{name: olympiad}', 'So \\boxed{4}.', 'So \\boxed{5}.'],
    ['{name: format}, {name: boxed}', 'So \\boxed{\\frac{8}{2}}.', TAGGED.replace('4<', '5<')],
    ['{name: numeric}', 'It is 4', 'It is 5'],
    ['{name: numeric, options: {tolerance: 0.5}}', 'It is 4.4', 'It is 4.6'],
    ['{name: cosine_scaled, options: {of: boxed}}', 'So \\boxed{4}.', 'So \\boxed{5}.'],
    ['{name: correctness}, {name: format}', TAGGED, 'So \\boxed{4}.'],
    ['{name: cosine_scaled}', TAGGED, 'So \\boxed{4}.'],
    ['{name: format}', TAGGED, 'So \\boxed{4}.'],
  ])('goes by %s on the rows of GSM8K', (rewards, right, wrong) => {
    expect(correct(rewards, right, GSM8K)).toBe(true);
    expect(correct(rewards, wrong, GSM8K)).toBe(false);
  });

  it('goes by letters, and by terms', () => {
    expect(correct('{name: choice}', 'The answer is (B).', { answer: 'B' })).toBe(true);
    expect(correct('{name: choice}', 'The answer is (C).', { answer: 'B' })).toBe(false);
    const row = { reference_answer: 'Renal failure' };
    expect(correct('{name: medical_exact}', 'Renal failure', row)).toBe(true);
    expect(correct('{name: medical_exact}', 'Sepsis', row)).toBe(false);
  });

  it('is null without a gold answer', () => {
    for (const rewards of ['{name: boxed}', '{name: numeric}', '{name: format}']) {
      expect(correct(rewards, TAGGED, {})).toBeNull();
    }
  });

  it.each([
    '{name: judged, grader: g.json}',
    '{name: format}, {name: mine, file: r.mjs}',
    '{name: numeric, file: r.mjs}',
    '{name: json_schema, options: {schema: {type: object}}}',
  ])('is none where rewards may be about anything: %s', (rewards) => {
    expect(verdictOf(configOf(rewards))).toBeNull();
  });
});
