/** Equivalence against others' test vectors, and on the answers of the MATH test set. */
import { describe, expect, it } from 'vitest';
import { mathEquivalent } from '../../../../src/rewards/index.js';
import { normalise, squeezed } from '../../../../src/rewards/math/normalise.js';
import { readJsonl } from '../../../../src/util/files.js';
import { Rng } from '../../../../src/util/rng.js';
import { dataPath, hasData, NEEDS_DATA } from '../../../support/real-data.js';
import { answerAfter } from '../answer-after.js';
import { RULES } from './retypeset.js';

const rows = (...path: readonly string[]) => readJsonl(dataPath(...path));

/** Lists of the same numbers in another order, which upstream compares as strings. */
const STRINGWISE_WRONG = new Set(['test_order', 'test_decimals']);

/** Different problems' answers that normalise differently and have one value. */
const TRULY_EQUAL = [
  ['40', '40\\text{ points}'],
  ['20\\text{ degrees}', '20'],
  ['7\\%', '7'],
  ['36^\\circ', '36'],
  ['b=4', '4'],
  ['12\\text{ degrees}', '12'],
  ['\\frac{1}{2}', '\\frac12'],
  ['100\\%', '1'],
];

describe.skipIf(!hasData())(`reference vectors ${NEEDS_DATA}`, () => {
  it("agrees with Hendrycks' is_equiv, less what is mathematically wrong", () => {
    const vectors = rows('grading', 'hendrycks_is_equiv.jsonl');
    const wrong = vectors.filter(
      ({ pred, gold, expected }) =>
        mathEquivalent({ gold: String(gold), prediction: String(pred) }) !== expected,
    );
    expect(vectors).toHaveLength(16);
    expect(new Set(wrong.map(({ id }) => id))).toEqual(STRINGWISE_WRONG);
  });

  it("agrees with OlympiadBench's scoring examples, 36 of 36", () => {
    const vectors = rows('grading', 'olympiadbench_scoring_examples.jsonl');
    const wrong = vectors.filter(({ pred, gold, expected, precision = 0 }) => {
      const options = { precision: [precision].flat().map(Number) };
      return mathEquivalent({ gold: String(gold), prediction: String(pred) }, options) !== expected;
    });
    expect(vectors).toHaveLength(36);
    expect(wrong).toEqual([]);
  });

  it("agrees with OpenAI's labels of model solutions, 4,076 of 4,076", () => {
    const vectors = rows('grading', 'gsm8k_model_solutions.jsonl.gz');
    const wrong = vectors.filter(({ solution, gold, expected }) => {
      const answer = answerAfter(String(solution), 'A:');
      return (
        (answer !== null && mathEquivalent({ gold: String(gold), prediction: answer })) !== expected
      );
    });
    expect(vectors).toHaveLength(4076);
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  it('holds MATH answers equal to themselves in other spellings, at least 99%', () => {
    const missed: string[] = [];
    const used = new Map<string, number>();
    let pairs = 0;
    for (const gold of mathGolds()) {
      for (const { name, apply } of RULES) {
        const other = apply(gold);
        if (other === null) continue;
        pairs += 1;
        used.set(name, (used.get(name) ?? 0) + 1);
        if (!mathEquivalent({ gold, prediction: other }))
          missed.push(`${name}: ${gold} | ${other}`);
      }
    }
    process.stdout.write(
      `${pairs} spellings by ${used.size} rules, ${missed.length} missed ${missed.join(' ; ')}\n`,
    );
    expect(used.size).toBe(RULES.length);
    expect(1 - missed.length / pairs).toBeGreaterThanOrEqual(0.99);
  });

  it('holds no MATH answer equal to itself with a digit in another argument', () => {
    const moved = mathGolds().flatMap((gold) => {
      const other = gold.replace(/\{(\d)(\d+)\}\{/, '{$1}{$2');
      return other === gold ? [] : [[other, gold] as const];
    });
    expect(moved).toHaveLength(241);
    expect(moved.filter(([other, gold]) => mathEquivalent({ gold, prediction: other }))).toEqual(
      [],
    );
  });

  it('holds answers of different problems equal only where they are, of 20,000 pairs', () => {
    const golds = mathGolds();
    const rng = Rng.of(42, 'pairs');
    const equal: string[][] = [];
    for (let compared = 0; compared < 20_000; ) {
      const pair = [0, 0].map(() => golds[rng.int(0, golds.length - 1)] ?? '');
      const [a = '', b = ''] = pair;
      if (squeezed(normalise(a)) === squeezed(normalise(b))) continue;
      compared += 1;
      if (mathEquivalent({ gold: b, prediction: a })) equal.push(pair);
    }
    process.stdout.write(`equal of 20,000 pairs: ${JSON.stringify(equal)}\n`);
    expect(equal).toEqual(TRULY_EQUAL);
  });
});

function mathGolds(): readonly string[] {
  return rows('math', 'test.jsonl.gz').map(({ answer }) => String(answer));
}
