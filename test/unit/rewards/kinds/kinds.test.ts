import { describe, expect, it } from 'vitest';
import { makeRewards } from '../../../../src/rewards/index.js';

type Options = Readonly<Record<string, unknown>>;

function part(
  name: string,
  text: string,
  row: object,
  more: { options?: Options; tokens?: number[] } = {},
) {
  const { options = {}, tokens } = more;
  const grade = makeRewards([{ name, weight: 1, options }]);
  const info = tokens === undefined ? undefined : { ids: tokens };
  return grade(text, row as Record<string, unknown>, info).parts[name]?.score;
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('numeric', () => {
  it.each([
    ['so 3 + 4 = 7', '7', 1],
    ['7 it is, not 8', '7', 0],
    ['$1,200.', '1200', 1],
    ['none', '7', 0],
    ['$$\\boxed{18}$$', '18', 1],
    ['$$ x = 18 $$', '18', 1],
    ['She earns 18 dollars...', '18', 1],
    ['cost: 18 $.', '18', 1],
    ['it is \u22125', '-5', 1],
    ['it is \u22125', '5', 0],
    ['a debt of -$5.50', '-5.5', 1],
    ['pages 5\u201318', '18', 1],
    ['about 1e3', '1000', 1],
    ['\\$1{,}200', '1200', 1],
    ['half of it: 3/4', '0.75', 1],
    ['They have 1.5 million in all.', '1500000', 1],
    ['They have 1.5 million in all.', '1.5', 1],
    ['They have 1.5 millionaires.', '1500000', 0],
    ['of 2 million only 3', '2000000', 0],
  ])('%j against %s is %d', (text, answer, score) => {
    expect(part('numeric', text, { answer })).toBe(score);
  });

  it('has a tolerance, and does not apply without a number', () => {
    expect(part('numeric', '3.1', { answer: '3.14' })).toBe(0);
    expect(part('numeric', '3.1', { answer: '3.14' }, { options: { tolerance: 0.05 } })).toBe(1);
    expect(part('numeric', '3', { answer: 'yes' })).toBeNull();
  });
});

describe('boxed and olympiad', () => {
  it.each([
    ['thus \\boxed{\\frac{1}{2}}', 1, 1.1],
    ['\\boxed{0.5}', 1, 1.1],
    ['\\boxed{2}', 0, -0.4],
    ['it is 1/2', 0, -0.5],
    ['\\boxed{1/2} or \\boxed{3}', 0, -0.4],
    ['\\boxed{}', 0, -0.5],
  ])('%j', (text, boxed, olympiad) => {
    expect(part('boxed', text, { answer: '\\frac12' })).toBe(boxed);
    expect(part('olympiad', text, { answer: '\\frac12' })).toBeCloseTo(olympiad, 12);
  });

  it('takes its three rewards from the config', () => {
    const options = { correct_reward: 2, incorrect_reward: -1, format_reward: 0 };
    expect(part('olympiad', '\\boxed{3}', { answer: '3' }, { options })).toBe(2);
    expect(part('olympiad', '3', { answer: '3' }, { options })).toBe(-1);
  });
});

describe('choice', () => {
  it.each([
    ['The answer is (B).', 1],
    ['answer: **B**', 1],
    ['The answer is B!', 1],
    ['so \\boxed{\\text{B}}', 1],
    ['so \\boxed{\\textbf{(B)}}', 1],
    ['so \\boxed{\\mathrm{B}}', 1],
    ['so \\boxed{\\text{(\\textbf{B})}}', 1],
    ['so \\boxed{\\textbf{A or B}}', 0],
    ['B', 1],
    ['because of this\n(B)', 1],
    ['The answer is C. No, the answer is B.', 1],
    ['The answer is B. No, the answer is C.', 0],
    ['The answer is (B) 27.', 1],
    ['Answer: B) Paris', 1],
    ['**Answer:** (B) 27', 1],
    ['The answer is (B). This is because A is wrong.', 1],
    ['The answer is (B). I think so, as it fits.', 1],
    ['The answer is (B), since option A fails.', 1],
    ['The answer is **B** because of it.', 1],
    ['The answer is B. Paris is the capital.', 1],
    ['The answer is (B) A triangle', 1],
    ['The answer is $\\textbf{(B)}$.', 1],
    ['The answer is $\\textbf{(B)}\\ 27$.', 1],
    ['The answer is \\(B\\).', 1],
    ['so \\boxed{B) 5}', 1],
    ['so \\boxed{(B) 27}', 1],
    ['so \\boxed{\\textbf{(B)}\\ 5}', 1],
    ['<answer>B</answer>', 1],
    ['<answer>(B) Paris</answer>', 1],
    ['so B is the answer.', 1],
    ['It has two roots, so (B) is the correct answer', 1],
    ['Therefore, option **B** is the right choice.', 1],
    ['The answer is A. No, that is 3. Hence B is my final answer!', 1],
    ['**B is the answer.**', 1],
    ['The answer is A\nI choose B.', 1],
    ['I pick option (B)', 1],
    ['<answer>I choose B</answer>', 1],
    ['Therefore, **option B** is the correct answer.', 1],
    ['So \\text{B} is the answer', 1],
    ['So $B$ is the answer', 1],
    ['The answer is (B).\nA common mistake: C is the answer', 1],
    ['The answer is B. Some say: A is the answer.', 1],
    ['Answer: B\nWrong: I choose C', 1],
    ['The answer is (B).\nOnly without friction, therefore C is the answer.', 1],
    ['Mr. B is the answer.', 0],
    ['It would be wrong to say: B is the answer.', 0],
    ['The correct option is (B)', 1],
    ['The correct option is B.', 1],
    ['so A is the answer.', 0],
    ['The answer is B\nI choose A.', 0],
    ['If x is even, B is the answer.', 0],
    ['If so, B is the answer.', 0],
    ['A or B is the answer.', 0],
    ['B is the answer? It is not.', 0],
    ['B is the answer or C.', 0],
    ['B is not the answer.', 0],
    ['Nobody said that B is the answer', 0],
    ['I choose B or C', 0],
    ['I choose Boston', 0],
    ['I would choose B', 0],
    ['Should I choose B', 0],
    ['So the answer is B.\nWhat if I choose C?', 1],
    ['The answer is B because', 0],
    ['The answer is (B) or (C).', 0],
    ['The answer is (B) 27 or (C) 28.', 0],
    ['The answer is (B) and maybe C is right too.', 0],
    ['The answer is (B)/(C).', 0],
    ['The answer is (B), (C).', 0],
    ['The answer is (B) (C) (D).', 0],
    ['The answer is (B)? Rather not.', 0],
    ['The answer is (B). Wait, it is C.', 0],
    ['The answer is (B) ... no, it is (C)', 0],
    ['The answer is (B) ... no, it is C', 0],
    ['Answer: A) 1 B) 2 C) 3', 0],
    ['Answer: B) 1 C) 2 D) 3', 0],
    ['Answer: B. 1 C. 2 D. 3', 0],
    ['Answer: B, C, D', 0],
    ['The answer is not (B) 27.', 0],
    ['The answer is (B)eta', 0],
    ['The answer is \\textbf{B} or \\textbf{C}.', 0],
    ['so \\boxed{B) 5, C) 6}', 0],
    ['so \\boxed{B + C}', 0],
    ['<answer>B or C</answer>', 0],
    ['Option (B) is wrong.', 0],
    ['The options:\nA) 1\nB) 2', 0],
    ['A, B, C, D', 0],
    ['The answer is A or B', 0],
    ['Before all', 0],
    ['', 0],
  ])('%j against B is %d', (text, score) => {
    expect(part('choice', text, { answer: 'B' })).toBe(score);
  });

  it.each([
    ['A is the answer.', 1],
    ['I choose A.', 1],
    ['The correct option is (A).', 1],
    ['I choose A different way', 0],
    ['So A is the answer to part one, and B to part two', 0],
    ['A simple count is the answer.', 0],
    ['The answer is A triangle', 0],
    ['Then A is the answer if x is odd', 0],
  ])('%j against A, which is an article too, is %d', (text, score) => {
    expect(part('choice', text, { answer: 'A' })).toBe(score);
  });

  it('does not apply where the gold answer is no letter', () => {
    expect(part('choice', 'B', { answer: 'Boston' })).toBeNull();
  });
});

describe('json_schema', () => {
  const schema = {
    type: 'object',
    properties: { factors: { type: 'array', items: { type: 'integer' } } },
    required: ['factors'],
    additionalProperties: false,
  };
  it.each([
    ['{"factors": [2, 3]}', 1],
    ['{"factors": [2.5]}', 0],
    ['{"factors": [], "more": 1}', 0],
    ['```json\n{"factors": []}\n```', 0],
    ['{"factors": [', 0],
    ['['.repeat(90_000), 0],
  ])('%j is %d', (text, score) => {
    expect(part('json_schema', text, {}, { options: { schema } })).toBe(score);
  });

  // Examples of the draft's own pages: tuples, and what properties ask of others.
  it('reads draft 2020-12, and draft 07 where the schema says so', () => {
    const tuple = [{ type: 'string' }, { type: 'integer' }];
    const score = (text: string, own: object) =>
      part('json_schema', text, {}, { options: { schema: own } });
    for (const own of [{}, { $schema: 'https://json-schema.org/draft/2020-12/schema' }]) {
      const pair = { ...own, type: 'array', prefixItems: tuple, items: false };
      expect(score('["a", 1]', pair)).toBe(1);
      expect(score('[1, "x"]', pair)).toBe(0);
      expect(score('["a", 1, 2]', pair)).toBe(0);
      expect(score('{"a": 1}', { ...own, dependentRequired: { a: ['b'] } })).toBe(0);
      const closed = { ...own, properties: { a: true }, unevaluatedProperties: false };
      expect(score('{"z": 1}', closed)).toBe(0);
    }
    const old = { $schema: 'http://json-schema.org/draft-07/schema#', items: tuple };
    expect(score('["a", 1]', old)).toBe(1);
    expect(score('[1, "x"]', old)).toBe(0);
    expect(score('"x"', { type: 'string', format: 'date', title: 'Day' })).toBe(1);
  });

  it('refuses a keyword that it does not know', () => {
    const schema = { type: 'object', propertes: { a: {} } };
    expect(() => part('json_schema', '{}', {}, { options: { schema } })).toThrow(
      /options\.schema: .*unknown keyword: "propertes"\. .*draft 2020-12/,
    );
  });

  it('refuses a schema that is none', () => {
    expect(() => part('json_schema', '', {}, { options: { schema: { type: 'objct' } } })).toThrow(
      'options.schema',
    );
    expect(() => part('json_schema', '', {})).toThrow('schema is missing');
  });
});

describe('shapes of length', () => {
  // DAPO eq. 13 with L_max 100 and a cache of 20: 80 is free, 90 is half-way, 101 is beyond
  it.each([
    [80, 0],
    [90, -0.5],
    [100, -1],
    [101, -1],
  ])('soft_overlong of %d tokens is %d', (tokens, score) => {
    const options = { max_completion_length: 100, soft_punish_cache: 20 };
    expect(part('soft_overlong', '', {}, { options, tokens: upTo(tokens) })).toBe(score);
  });

  // ends of the cosine at 0 and max_length, the middle at half of it; wrong ones rise with length
  it.each([
    ['<SOLUTION>4</SOLUTION>', 0, 1],
    ['<SOLUTION>4</SOLUTION>', 50, 0.75],
    ['<SOLUTION>4</SOLUTION>', 100, 0.5],
    ['<SOLUTION>4</SOLUTION>', 250, 0.5],
    ['<SOLUTION>5</SOLUTION>', 0, -1],
    ['<SOLUTION>5</SOLUTION>', 50, -0.75],
    ['<SOLUTION>5</SOLUTION>', 100, -0.5],
  ])('cosine_scaled of %j with %d tokens is %d', (text, tokens, score) => {
    const options = { max_length: 100 };
    const given = { options, tokens: upTo(tokens) };
    expect(part('cosine_scaled', text, { answer: '#### 4' }, given)).toBeCloseTo(score, 12);
  });

  it('cosine_scaled judges by another reward when told, and skips what that skips', () => {
    const given = { options: { of: 'boxed', max_length: 100 }, tokens: [] };
    expect(part('cosine_scaled', '\\boxed{4}', { answer: '4' }, given)).toBe(1);
    expect(part('cosine_scaled', '\\boxed{4}', {}, given)).toBeNull();
  });

  // the examples of TRL's get_repetition_penalty_reward: 1 of 4 pairs is new
  it.each([
    [[1, 2, 3, 4], 0],
    [[5, 5, 5, 5, 5], -0.75],
    [[5], 0],
    [[], 0],
  ])('repetition_penalty of %j is %d', (tokens, score) => {
    expect(part('repetition_penalty', '', {}, { options: { ngram_size: 2 }, tokens })).toBe(score);
  });

  it('do not apply without token ids', () => {
    for (const name of ['soft_overlong', 'cosine_scaled', 'repetition_penalty']) {
      expect(part(name, 'x', { answer: '4' })).toBeNull();
    }
  });
});

describe('medical', () => {
  // token_set_ratio of "type 2 diabetes" and "type ii diabetes" is 92.857…: 2·13 / (13 + 15) of the
  // common words against the shorter side
  it.each([
    ['Type 2 diabetes', 'type II diabetes', 0, 26 / 28],
    ['renal failure', 'renal failure', 1, 1],
    ['Renal failure', 'renal failure', 0, 1],
    ['', 'renal failure', 0, 0],
  ])('%j against %j', (text, reference_answer, exact, fuzzy) => {
    const row = { reference_answer };
    expect(part('medical_exact', text, row)).toBe(exact);
    expect(part('medical_fuzzy', text, row)).toBeCloseTo(fuzzy, 12);
    expect(part('medical_combined', text, row)).toBeCloseTo(0.85 * fuzzy + 0.15 * exact, 12);
  });

  it('does not apply without a reference answer', () => {
    expect(part('medical_combined', 'x', {})).toBeNull();
  });
});

describe('options', () => {
  it.each([
    ['numeric', { tolerance: -1 }, 'tolerance is -1, expected a number from 0'],
    ['numeric', { tol: 1 }, 'unknown key tol. It takes tolerance'],
    ['medical_exact', { a: 1 }, 'unknown key a. It takes none'],
    ['cosine_scaled', { of: 'format' }, 'of is "format", expected correctness, numeric'],
    ['repetition_penalty', { max_penalty: 1 }, 'max_penalty is 1'],
  ])('%s refuses %j', (name, options, problem) => {
    expect(() => makeRewards([{ name, weight: 1, options }])).toThrow(problem);
  });
});
