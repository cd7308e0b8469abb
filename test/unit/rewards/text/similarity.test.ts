/** Against RapidFuzz, sacreBLEU, NLTK and rouge-score, by scripts/golden/text_similarity.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FUZZ_SCORERS, type FuzzName } from '../../../../src/rewards/text/fuzz.js';
import { meteor } from '../../../../src/rewards/text/meteor.js';
import { bleu, gleu, rougeL, rougeN } from '../../../../src/rewards/text/ngram-metrics.js';
import { porterStem } from '../../../../src/rewards/text/porter.js';
import { defaultProcess } from '../../../../src/rewards/text/process.js';

interface Golden {
  readonly fuzz_names: readonly FuzzName[];
  readonly stems: Readonly<Record<string, string>>;
  readonly pairs: readonly {
    readonly a: string;
    readonly b: string;
    readonly fuzz: readonly number[];
    readonly processed: readonly number[];
    readonly bleu: number;
    readonly gleu: number;
    readonly meteor: number;
    readonly rouge: readonly number[];
  }[];
}

const file = process.env.TEXT_SIMILARITY ?? 'test/fixtures/rewards/text-similarity.json';
const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;

/** Largest difference between two lists. */
const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe('text similarity', () => {
  it('equals RapidFuzz on raw and on processed texts', () => {
    for (const { a, b, fuzz, processed } of golden.pairs) {
      const score = (left: string, right: string) =>
        golden.fuzz_names.map((name) => FUZZ_SCORERS[name](left, right));
      expect(distance(score(a, b), fuzz), JSON.stringify([a, b])).toBeLessThan(1e-9);
      const own = score(defaultProcess(a), defaultProcess(b));
      expect(distance(own, processed), JSON.stringify([a, b])).toBeLessThan(1e-9);
    }
  });

  it.each(['bleu', 'gleu', 'meteor'] as const)('%s equals its reference', (name) => {
    const metric = { bleu, gleu, meteor }[name];
    for (const pair of golden.pairs) {
      const own = metric(pair.a, pair.b);
      expect(Math.abs(own - pair[name]), JSON.stringify([pair.a, pair.b])).toBeLessThan(1e-9);
    }
  });

  it('ROUGE equals rouge-score', () => {
    for (const { a, b, rouge } of golden.pairs) {
      const own = [...[1, 2, 3, 4, 5].map((n) => rougeN(a, b, n)), rougeL(a, b)];
      expect(distance(own, rouge), JSON.stringify([a, b])).toBeLessThan(1e-9);
    }
  });

  it('parts words where Python does', () => {
    // sacreBLEU 2.6: sentence_bleu(text, ['a b c d'], use_effective_order=True).score / 100
    for (const space of ['\x1c', '\x1f', '\x85', '\u3000']) {
      expect(bleu(`a${space}b c d`, 'a b c d')).toBeCloseTo(1, 12);
    }
    expect(bleu('a\ufeffb c d', 'a b c d')).toBeCloseTo(0.39432237651162877, 12);
    expect(bleu('a b c d', 'a b c d \ufeff')).toBeCloseTo(0.7788007830714052, 12);
    expect(bleu('a b c d-\n\x1c', 'a b c d-')).toBeCloseTo(1, 12);
  });

  it('stems as NLTK does', () => {
    const own = Object.keys(golden.stems).map((word) => [word, porterStem(word)]);
    expect(Object.fromEntries(own)).toEqual(golden.stems);
  });

  it('counts characters of two code units as one, as Python does', () => {
    // NLTK 3.10: PorterStemmer().stem(word)
    const stems = {
      '😔s': '😔s',
      '😇yed': '😇y',
      𐐶ies: '𐐶ie',
      'na😊ed': 'na😊e',
      𐐶ational: '𐐶ation',
    };
    const own = Object.keys(stems).map((word) => [word, porterStem(word)]);
    expect(Object.fromEntries(own)).toEqual(stems);
  });
});
