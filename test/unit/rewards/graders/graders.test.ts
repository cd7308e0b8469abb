import { describe, expect, it } from 'vitest';
import { parseGrader } from '../../../../src/config/index.js';
import type { CompileOptions } from '../../../../src/rewards/graders/compile.js';
import { compileGrader, type GraderOutcome, gradedSample } from '../../../../src/rewards/index.js';

type Row = Readonly<Record<string, unknown>>;

/** Outcome of a grader object as written in JSON. */
async function grade(
  grader: Row,
  { item = {}, sample, ...options }: { item?: Row; sample: Row | string } & CompileOptions,
): Promise<GraderOutcome> {
  const said = typeof sample === 'string' ? { output_text: sample } : sample;
  return await compileGrader(parseGrader(grader, 'grader.json'), options)(gradedSample(item, said));
}

const check = (operation: string, more: Row = {}) => ({
  type: 'string_check',
  name: 'check',
  input: '{{ sample.output_text }}',
  reference: '{{item.answer}}',
  operation,
  ...more,
});

const similarity = (evaluation_metric: string) => ({
  type: 'text_similarity',
  name: 'similar',
  input: '{{sample.output_text}}',
  reference: '{{item.answer}}',
  evaluation_metric,
});

describe('string_check', () => {
  it.each([
    ['eq', 'Paris', 1],
    ['eq', 'paris', 0],
    ['ne', 'Paris', 0],
    ['neq', 'Rome', 1],
    ['like', 'It is Paris.', 1],
    ['like', 'It is paris.', 0],
    ['ilike', 'It is PARIS.', 1],
    ['ilike', 'It is Rome.', 0],
  ])('%s on %s is %d', async (operation, sample, score) => {
    const item = { answer: 'Paris' };
    expect(await grade(check(operation), { item, sample })).toEqual({ score, status: 'ok' });
  });
});

describe('templates', () => {
  it.each([
    ['{{ sample.output_json.factors[1] }}', '7'],
    ['{{ sample.output_json["a b"].c }}', 'x'],
    ['{{ sample.output_json.factors }}', '[3,7]'],
    ['{{item.number}} is {{ sample.output_json.factors[0] }}·7', '21 is 3·7'],
    ['{{ sample.output_tools[0].function.name }}', 'solve'],
    ['no place, {one} brace', 'no place, {one} brace'],
  ])('%s', async (input, reference) => {
    const sample = {
      output_text: '{"factors": [3, 7], "a b": {"c": "x"}}',
      output_tools: [{ function: { name: 'solve' } }],
    };
    const outcome = await grade(check('eq', { input, reference }), {
      item: { number: 21 },
      sample,
    });
    expect(outcome).toEqual({ score: 1, status: 'ok' });
  });

  it('gives the lowest score where the sample has nothing to read, whatever the operation', async () => {
    for (const operation of ['eq', 'ne']) {
      const grader = check(operation, { input: '{{ sample.output_json.a }}', reference: 'x' });
      expect(await grade(grader, { sample: 'no JSON' })).toMatchObject({ score: 0, status: 'ok' });
      expect(await grade(grader, { sample: '{"b":1}' })).toMatchObject({ score: 0, status: 'ok' });
    }
  });

  it('errs on a key the row lacks, skips a row whose value is null', async () => {
    expect(await grade(check('eq'), { sample: 'x' })).toMatchObject({
      score: null,
      status: 'error',
      reason: 'item: the row has no item.answer',
    });
    const skipped = await grade(check('eq'), { item: { answer: null }, sample: 'x' });
    expect(skipped).toMatchObject({ score: null, status: 'skipped' });
  });

  it.each([
    '{{ answer }}',
    '{{ sample }}',
    '{{ item.a | upper }}',
    '{{ items.a }}',
    '{{ item..a }}',
  ])('refuses %s', (input) => {
    expect(() => compileGrader(parseGrader(check('eq', { input }), 'g.json'))).toThrow(
      'is no variable',
    );
  });
});

describe('text_similarity', () => {
  it.each([
    // the point goes with default_process
    ['fuzzy_match', 'hydralis', 'hydralis.', 1],
    ['fuzzy_match', 'abcd', 'abce', 0.75],
    ['rouge_1', 'the cat sat', 'the cat ran', 2 / 3],
    ['rouge_2', 'the cat sat', 'the cat ran', 1 / 2],
    ['rouge_3', 'the cat sat', 'the cat ran', 0],
    ['rouge_4', 'a b c d', 'a b c d', 1],
    ['rouge_5', 'a b c d e', 'a b c d e', 1],
    ['rouge_l', 'the cat sat', 'sat the cat', 2 / 3],
    // shared runs of one, two and three words: 2 + 1 + 0 of 3 + 2 + 1
    ['gleu', 'the cat sat', 'the cat ran', 1 / 2],
    ['bleu', 'a b c d e', 'a b c d e', 1],
    // one chunk of three: 1 − 0.5 / 27
    ['meteor', 'the cats sat', 'the cat sat', 1 - 0.5 / 27],
  ])('%s of "%s" and "%s"', async (metric, sample, answer, score) => {
    const outcome = await grade(similarity(metric), { item: { answer }, sample });
    expect(outcome.score).toBeCloseTo(score, 12);
  });

  it('cosine takes the embeddings that are handed in, and is refused without', async () => {
    const vectors: Record<string, number[]> = { east: [1, 0], northeast: [1, 1], west: [-1, 0] };
    const embed = async (texts: readonly string[]) => texts.map((text) => vectors[text]!);
    const score = async (sample: string) =>
      (await grade(similarity('cosine'), { item: { answer: 'east' }, sample, embed })).score;
    expect(await score('northeast')).toBeCloseTo(Math.SQRT1_2, 12);
    expect(await score('west')).toBe(0);
    expect(() => compileGrader(parseGrader(similarity('cosine'), 'g.json'))).toThrow(
      'needs embeddings',
    );
  });

  it('times out where the texts are too long to compare, without hanging', async () => {
    const [a, b] = ['ab', 'ba'].map((unit) => `${unit}c`.repeat(400_000));
    const outcome = await grade(similarity('fuzzy_match'), { item: { answer: b }, sample: a! });
    expect(outcome).toMatchObject({ score: null, status: 'timeout' });
  });
});

describe('math_equivalence', () => {
  const math = {
    type: 'math_equivalence',
    name: 'm',
    input: '{{sample.output_text}}',
    reference: '{{item.answer}}',
  };

  it.each([
    ['\\boxed{\\dfrac{1}{2}}', '0.5', 1],
    ['1/2', '\\frac{1}{2}', 1],
    ['1/3', '0.5', 0],
    ['', '0.5', 0],
  ])('%j against %s is %d', async (sample, answer, score) => {
    expect(await grade(math, { item: { answer }, sample })).toEqual({ score, status: 'ok' });
  });
});

it('a threshold is reached by parts whose sum falls short of it by rounding', async () => {
  const item = { answer: 'Paris' };
  const multi = {
    type: 'multi',
    graders: { part: check('eq') },
    calculate_output: '0.7*part + 0.1*part',
    pass_threshold: 0.8,
  };
  // 0.7 + 0.1 is 0.7999999999999999.
  expect(await grade(multi, { item, sample: 'Paris' })).toMatchObject({ passed: true });
  expect(await grade(multi, { item, sample: 'Rome' })).toMatchObject({ passed: false });
});

describe('multi', () => {
  const parts = { exact: check('eq'), fuzzy: similarity('fuzzy_match') };
  const combined = { type: 'multi', name: 'both', calculate_output: '0.85*fuzzy + 0.15*exact' };

  it('combines parts given by name, as a list, or as one', async () => {
    const item = { answer: 'abcd' };
    // .85 · .75 + .15 · 0
    const byName = await grade({ ...combined, graders: parts }, { item, sample: 'abce' });
    expect(byName.score).toBeCloseTo(0.6375, 12);
    expect(byName.parts?.fuzzy?.score).toBe(0.75);
    const list = [check('eq', { name: 'exact' }), { ...parts.fuzzy, name: 'fuzzy' }];
    const listed = await grade({ ...combined, graders: list }, { item, sample: 'abce' });
    expect(listed.score).toBeCloseTo(0.6375, 12);
    const one = { ...combined, graders: check('eq'), calculate_output: 'min(check, 0.5)' };
    expect((await grade(one, { item, sample: 'abcd' })).score).toBe(0.5);
  });

  it('has no score where a part of the formula has none', async () => {
    const outcome = await grade({ ...combined, graders: parts }, { sample: 'x' });
    expect(outcome).toMatchObject({ score: null, status: 'error' });
    const unused = { ...combined, graders: parts, calculate_output: '1' };
    expect(await grade(unused, { sample: 'x' })).toMatchObject({ score: 1, status: 'ok' });
  });

  it('errs on a result that is no number', async () => {
    const divided = { ...combined, graders: parts, calculate_output: '1 / exact' };
    const outcome = await grade(divided, { item: { answer: 'a' }, sample: 'b' });
    expect(outcome).toMatchObject({ score: null, status: 'error' });
  });

  it.each([
    [{ graders: {} }, 'graders is empty'],
    [{ graders: [check('eq'), check('ne')] }, 'two graders are called "check"'],
    [{ graders: parts, calculate_output: 'exact + typo' }, '"typo" is no grader'],
    [{ graders: parts, calculate_output: 'exact +' }, 'it ends too early'],
  ])('refuses %j', (change, problem) => {
    const make = () => compileGrader(parseGrader({ ...combined, ...change }, 'g.json'));
    expect(make).toThrow(problem);
  });
});

describe('python', () => {
  const python = { type: 'python', name: 'py', source: 'def grade(sample, item): …' };

  it('gives the executor source, sample and item, and takes numbers only', async () => {
    const calls: unknown[] = [];
    const runPython = async (call: unknown) => {
      calls.push(call);
      return 0.25;
    };
    const outcome = await grade(python, { item: { a: 1 }, sample: '[3]', runPython });
    expect(outcome).toEqual({ score: 0.25, status: 'ok' });
    const sample = { output_text: '[3]', output_json: [3] };
    expect(calls).toEqual([{ source: python.source, sample, item: { a: 1 } }]);
    for (const result of [null, '1', Number.NaN, { score: 1 }]) {
      const bad = await grade(python, { sample: '', runPython: async () => result });
      expect(bad).toMatchObject({ score: null, status: 'error' });
    }
  });

  it('is refused without an executor', () => {
    expect(() => compileGrader(parseGrader(python, 'g.json'))).toThrow('needs a sandbox');
  });
});

describe('judges', () => {
  const judge = {
    type: 'score_model',
    name: 'judge',
    model: 'gpt-4o-2024-08-06',
    input: [
      { role: 'developer', content: 'Score it.' },
      { type: 'message', role: 'user', content: { type: 'input_text', text: '{{item.q}}?' } },
    ],
    range: [0, 5],
    sampling_params: { temperature: 0, max_completions_tokens: 10 },
    pass_threshold: 3,
  };
  const answering = (text: string, refusal: string | null = null) => {
    const requests: Record<string, unknown>[] = [];
    const complete: CompileOptions['complete'] = async (request) => {
      requests.push(request);
      return { text, refusal };
    };
    return { requests, complete };
  };
  const options = { item: { q: 'Is it so' }, sample: '' };

  it('score_model sends messages and settings, and reads the result', async () => {
    const { requests, complete } = answering('{"result": 3}');
    expect(await grade(judge, { ...options, complete })).toEqual({
      score: 3,
      status: 'ok',
      passed: true,
    });
    expect(requests[0]).toMatchObject({
      model: 'gpt-4o-2024-08-06',
      messages: [
        { role: 'system', content: 'Score it.' },
        { role: 'user', content: 'Is it so?' },
      ],
      settings: { temperature: 0, max_completion_tokens: 10 },
    });
  });

  it.each(['I give it 4', '{"result": "4"}', '', '{"score": 4}', '4/5', 'NaN', '[4]'])(
    'score_model takes no score from %j',
    async (text) => {
      const outcome = await grade(judge, { ...options, ...answering(text) });
      expect(outcome).toMatchObject({ score: null, status: 'error' });
    },
  );

  it.each([
    ['7', 5],
    ['{"result": -1}', 0],
  ])('score_model takes %s as the end of its range, and says so', async (text, score) => {
    const outcome = await grade(judge, { ...options, ...answering(text) });
    expect(outcome).toMatchObject({ score, status: 'ok' });
    expect(outcome.reason).toContain('lies outside [0, 5]');
  });

  it('marks refusals and failures, and counts them as 0 only where asked', async () => {
    expect(await grade(judge, { ...options, ...answering('5', 'no') })).toMatchObject({
      score: null,
      status: 'error',
    });
    const complete = async () => {
      throw Object.assign(new Error('silent'), { kind: 'timeout' });
    };
    expect(await grade(judge, { ...options, complete })).toMatchObject({
      score: null,
      status: 'timeout',
    });
    expect(await grade(judge, { ...options, complete, onError: 'zero' })).toMatchObject({
      score: 0,
      status: 'timeout',
      passed: false,
    });
  });

  it('label_model scores by passing labels', async () => {
    const label = {
      type: 'label_model',
      name: 'label',
      model: 'm',
      input: [{ role: 'user', content: '{{sample.output_text}}' }],
      labels: ['good', 'bad', 'odd'],
      passing_labels: ['good'],
    };
    const outcome = async (text: string) => await grade(label, { ...options, ...answering(text) });
    expect(await outcome('{"result": "good"}')).toEqual({ score: 1, status: 'ok' });
    expect(await outcome('odd')).toEqual({ score: 0, status: 'ok' });
    expect(await outcome('Good')).toMatchObject({ score: null, status: 'error' });
    const words = { ...label, labels: ['true', 'null', '[1]'], passing_labels: ['true', '[1]'] };
    const scores = ['true', '{"result": true}', 'null', '[1]'].map(async (text) => {
      return (await grade(words, { ...options, ...answering(text) })).score;
    });
    expect(await Promise.all(scores)).toEqual([1, 1, 0, 1]);
  });

  it('is refused without a judge', () => {
    expect(() => compileGrader(parseGrader(judge, 'g.json'))).toThrow('needs a judge');
  });
});

describe('grader objects', () => {
  it.each([
    [{ type: 'endpoint', url: 'x' }, 'the grader type "endpoint" is not supported'],
    [{ type: 'string_chek' }, 'Known are string_check, text_similarity'],
    [{}, 'the grader type null is not supported'],
    [[], 'expected a grader object'],
    [check('equals'), 'operation is "equals", expected eq, ne, neq, like or ilike'],
    [{ ...check('eq'), refrence: 'x' }, 'The nearest known key is "reference"'],
    [similarity('rouge_9'), 'evaluation_metric is "rouge_9"'],
    [{ type: 'multi', calculate_output: '1', graders: [{ type: 'what' }] }, '"what"'],
  ])('refuses %j', (value, problem) => {
    expect(() => parseGrader(value, 'g.json')).toThrow(problem);
    expect(() => parseGrader(value, 'g.json')).toThrow('g.json');
  });
});
