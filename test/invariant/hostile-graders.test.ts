/** Every grader on 10,000 hostile texts: none throws, none hangs, none leaves its range. */
import { describe, expect, it } from 'vitest';
import { parseGrader } from '../../src/config/index.js';
import { compileGrader, gradedSample, makeRewards } from '../../src/rewards/index.js';
import { REWARD_NAMES } from '../../src/rewards/registry.js';
import { hostileTexts } from './hostile-texts.js';

const TEXTS = hostileTexts(10_000);
/** Longest grade, seconds: beyond the work limit of a comparison on a slow and busy machine. */
const LIMIT_S = 20;

/** Lowest and highest score where it is not 0 to 1. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  soft_overlong: [-1, 0],
  cosine_scaled: [-1, 1],
  repetition_penalty: [-1, 0],
  olympiad: [-0.5, 1.1],
};

const OPTIONS: Readonly<Record<string, object>> = {
  json_schema: { schema: { type: 'object', required: ['factors'] } },
};

/** A multiple-choice row for `choice`. */
const rowOf = (name: string) => (name === 'choice' ? { answer: 'B' } : ROW);

const ROW = { answer: '12', reference_answer: 'renal failure', number: 210, question: 'q' };

/** What went wrong with a score, or null. */
function fault(text: string, score: number | null, status: string, [low, high]: readonly number[]) {
  const isFine =
    status === 'ok' ? score !== null && score >= low! && score <= high! : status === 'timeout';
  return isFine ? null : `${JSON.stringify(text.slice(0, 40))}: ${status} ${score}`;
}

describe('rewards on hostile texts', () => {
  it.each(REWARD_NAMES.map((name) => [name]))(
    '%s',
    (name) => {
      const grade = makeRewards([{ name, weight: 1, options: { ...OPTIONS[name] } }]);
      const info = { ids: [1, 2, 3] };
      let longest = 0;
      const faults = TEXTS.flatMap((text) => {
        const start = performance.now();
        const { score, status } = grade(text, rowOf(name), info).parts[name]!;
        longest = Math.max(longest, (performance.now() - start) / 1000);
        return fault(text, score, status, RANGES[name] ?? [0, 1]) ?? [];
      });
      expect(faults.slice(0, 5)).toEqual([]);
      expect(longest).toBeLessThan(LIMIT_S);
    },
    120_000,
  );
});

const both = { input: '{{sample.output_text}}', reference: '{{item.reference_answer}}' };
const metrics = ['fuzzy_match', 'bleu', 'gleu', 'meteor', 'rouge_1', 'rouge_5', 'rouge_l'];
const GRADERS: Readonly<Record<string, object>> = {
  ...Object.fromEntries(
    ['eq', 'ne', 'like', 'ilike'].map((operation) => [
      operation,
      { type: 'string_check', operation, ...both },
    ]),
  ),
  ...Object.fromEntries(
    metrics.map((evaluation_metric) => [
      evaluation_metric,
      { type: 'text_similarity', evaluation_metric, ...both },
    ]),
  ),
  output_json: {
    type: 'string_check',
    operation: 'ne',
    input: '{{ sample.output_json.factors }}',
    reference: 'x',
  },
  math_equivalence: { type: 'math_equivalence', ...both, reference: '{{item.answer}}' },
  multi: {
    type: 'multi',
    graders: { a: { type: 'text_similarity', evaluation_metric: 'bleu', ...both } },
    calculate_output: 'min(1, a ^ 0.5)',
  },
};

describe('grader objects on hostile texts', () => {
  it.each(Object.keys(GRADERS))(
    '%s',
    async (name) => {
      const grade = compileGrader(parseGrader(GRADERS[name], 'g.json'));
      let longest = 0;
      const faults: string[] = [];
      for (const text of TEXTS) {
        const start = performance.now();
        const { score, status } = await grade(gradedSample(ROW, { output_text: text }));
        longest = Math.max(longest, (performance.now() - start) / 1000);
        const found = fault(text, score, status, [0, 1]);
        if (found !== null) faults.push(found);
      }
      expect(faults.slice(0, 5)).toEqual([]);
      expect(longest).toBeLessThan(LIMIT_S);
    },
    120_000,
  );
});

describe('judges that answer hostile texts', () => {
  const message = [{ role: 'user', content: '{{sample.output_text}}' }];
  it.each([
    { type: 'score_model', model: 'm', input: message, range: [0, 1] },
    { type: 'label_model', model: 'm', input: message, labels: ['a', '1'], passing_labels: ['a'] },
  ])('$type', async (grader) => {
    const complete = async ({ messages }: { messages: readonly { content: string }[] }) => ({
      text: messages[0]!.content,
      refusal: null,
    });
    const grade = compileGrader(parseGrader(grader, 'g.json'), { complete });
    const counts: Record<string, number> = {};
    for (const text of TEXTS) {
      const { score, status } = await grade(gradedSample(ROW, { output_text: text }));
      counts[status] = (counts[status] ?? 0) + 1;
      if (status === 'ok') expect(score! >= 0 && score! <= 1, text.slice(0, 40)).toBe(true);
      else expect(score).toBeNull();
    }
    expect(Object.keys(counts).sort()).toEqual(['error', 'ok']);
  });
});
