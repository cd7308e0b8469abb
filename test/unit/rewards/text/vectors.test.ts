/** RapidFuzz's own tests and reference scores, from the folder of rows. */
import { describe, expect, it } from 'vitest';
import { FUZZ_SCORERS, type FuzzName } from '../../../../src/rewards/text/fuzz.js';
import { defaultProcess } from '../../../../src/rewards/text/process.js';
import { readJsonl } from '../../../../src/util/files.js';
import { dataPath, hasData, NEEDS_DATA } from '../../../support/real-data.js';

const rows = (file: string) => readJsonl(dataPath('fuzzy', file));

interface Case {
  readonly id: string;
  readonly scorer: FuzzName;
  readonly a: string | null;
  readonly b: string | null;
  readonly processor: string | null;
  readonly score_cutoff: number | null;
  readonly op: 'eq' | 'ne' | 'approx';
  readonly expected: number;
  readonly tol: number;
}

/** As RapidFuzz calls a scorer: nothing on null, 0 below the cutoff. */
function scoreOf({ scorer, a, b, processor, score_cutoff: cutoff }: Case): number {
  if (a === null || b === null) return 0;
  const [left, right] = processor === null ? [a, b] : [defaultProcess(a), defaultProcess(b)];
  const score = FUZZ_SCORERS[scorer](left, right);
  return score >= (cutoff ?? 0) ? score : 0;
}

describe.skipIf(!hasData())(`RapidFuzz vectors ${NEEDS_DATA}`, () => {
  it('its tests', () => {
    const cases = rows('rapidfuzz_tests.jsonl') as unknown as Case[];
    expect(cases.length).toBeGreaterThan(50);
    for (const each of cases) {
      const difference = Math.abs(scoreOf(each) - each.expected);
      if (each.op === 'ne') expect(difference, each.id).toBeGreaterThan(1e-4);
      else expect(difference, each.id).toBeLessThanOrEqual(Math.max(each.tol, 1e-4));
    }
  });

  it('its scores of 150 pairs, raw and processed', () => {
    const pairs = rows('rapidfuzz_reference.jsonl');
    expect(pairs).toHaveLength(150);
    for (const row of pairs) {
      const { a, b, processed } = row as {
        a: string;
        b: string;
        processed: Record<string, number>;
      };
      for (const [name, score] of Object.entries(FUZZ_SCORERS)) {
        const where = `${row.id} ${name}`;
        expect(Math.abs(score(a, b) - Number(row[name])), where).toBeLessThan(1e-4);
        const own = score(defaultProcess(a), defaultProcess(b));
        expect(Math.abs(own - processed[name]!), where).toBeLessThan(1e-4);
      }
    }
  });

  it('default_process', () => {
    for (const { text, expected } of rows('default_process.jsonl')) {
      expect(defaultProcess(String(text))).toBe(expected);
    }
  });
});
