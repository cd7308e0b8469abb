/** Answer extraction by hand, and against the reference vectors of GSM8K graders. */
import { describe, expect, it } from 'vitest';
import { goldAnswer, goldReasoning } from '../../../src/rewards/extract.js';
import { flexibleAnswer, numbersEqual, strictAnswer } from '../../../src/rewards/index.js';
import { readJsonl } from '../../../src/util/files.js';
import { dataPath, hasData, NEEDS_DATA } from '../../support/real-data.js';
import { answerAfter } from './answer-after.js';

describe('extraction', () => {
  it('keeps strict and flexible apart', () => {
    const text = '2*3=6\n#### 6\nNext: 9';
    expect(strictAnswer(text)).toBe('6');
    expect(flexibleAnswer(text)).toBe('9');
    expect(strictAnswer('so 6')).toBeNull();
    expect(flexibleAnswer('none')).toBeNull();
  });

  it('splits a GSM8K solution into working and gold answer', () => {
    const answer = '2+3=<<2+3=5>>5\n\n#### 1,005 ';
    expect(goldAnswer(answer)).toBe('1,005');
    expect(goldReasoning(answer)).toBe('2+3=<<2+3=5>>5');
    expect(goldAnswer(' 42 ')).toBe('42');
    expect(goldReasoning('42')).toBe('');
    expect(goldAnswer('work ####')).toBeNull();
  });
});

describe.skipIf(!hasData())(`reference vectors ${NEEDS_DATA}`, () => {
  const rows = (name: string) => readJsonl(dataPath('grading', name));
  const invalid = (answer: string | null) => answer ?? '[invalid]';
  /** lm-eval's exact_match: delete `,`, `$`, all up to `#### `, a final dot; lower case. */
  const normal = (text: string) =>
    text
      .replace(/,|\$/g, '')
      .replace(/^[\s\S]*#### /, '')
      .replace(/\.$/, '')
      .toLowerCase();

  it('extracts as lm-evaluation-harness does, 150 of 150', () => {
    const vectors = rows('gsm8k_extraction.jsonl');
    expect(vectors).toHaveLength(150);
    let compared = 0;
    for (const { text, strict, flexible, ...row } of vectors) {
      expect(invalid(strictAnswer(text as string)), String(row.id)).toBe(strict);
      expect(invalid(flexibleAnswer(text as string)), String(row.id)).toBe(flexible);
      if (row.gold === undefined) continue;
      const gold = normal(row.gold as string);
      expect(normal(strict as string) === gold).toBe(row.strict_exact_match);
      expect(normal(flexible as string) === gold).toBe(row.flexible_exact_match);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(100);
  });

  it("agrees with OpenAI's labels of model solutions, 4,076 of 4,076", () => {
    const vectors = rows('gsm8k_model_solutions.jsonl.gz');
    expect(vectors).toHaveLength(4076);
    const wrong = vectors.filter(({ solution, gold, expected }) => {
      const answer = answerAfter(solution as string, 'A:');
      return (answer !== null && numbersEqual(answer, gold as string)) !== expected;
    });
    expect(wrong.map(({ id }) => id)).toEqual([]);
    expect(vectors.filter(({ expected }) => expected === true).length).toBeGreaterThan(1000);
  });
});
