/** How answers are graded: as the config says, else as the benchmark does, and never by a guess. */
import { expect, it } from 'vitest';
import { graderName } from '../../../../src/recipes/eval/benchmark.js';

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
