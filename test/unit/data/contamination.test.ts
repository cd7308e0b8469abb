/** Shared runs of words, against a count that looks at every pair. */
import { describe, expect, test } from 'vitest';
import type { Overlap } from '../../../src/data/contamination.js';
import { findContamination } from '../../../src/data/index.js';
import { readJsonl } from '../../../src/util/files.js';
import { dataPath, hasData, NEEDS_DATA } from '../../support/real-data.js';

const plain = (text: string) =>
  ` ${text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()} `;

/** Every pair of rows, by comparing their sets of runs; its own words, runs and order. */
function bruteForce(train: readonly string[], benchmark: readonly string[], n: number) {
  const runsOf = (text: string, length: number) => {
    const words = plain(text).split(' ');
    return new Set(words.map((_, i) => words.slice(i, i + length).join(' ')).slice(0, 1 - length));
  };
  const trained = train.map((text) => runsOf(text, n));
  const pairs: [number, number, number][] = [];
  for (const [b, text] of benchmark.entries()) {
    if (plain(text).split(' ').length < n) continue;
    const runs = [...runsOf(text, n)];
    for (const [t, other] of trained.entries()) {
      const shared = runs.filter((run) => other.has(run)).length;
      if (shared > 0) pairs.push([t, b, shared]);
    }
  }
  return pairs.sort(([a, b], [c, d]) => a - c || b - d);
}

const triples = (overlaps: readonly Overlap[]) =>
  overlaps.map(({ train, benchmark, shared }) => [train, benchmark, shared]);

const long = 'one two three four five six seven eight nine ten eleven twelve thirteen';

describe('by hand', () => {
  test('thirteen words in a row are found, twelve are not, whatever case and signs', () => {
    const train = [
      `Before. ${long.toUpperCase().replaceAll(' ', ', ')}! After`,
      `before ${long.replace('thirteen', 'other')} after`,
      `x ${long} fourteen`,
    ];
    const { overlaps } = findContamination({ train, benchmark: [`${long} fourteen`] });
    expect(triples(overlaps)).toEqual([
      [0, 0, 1],
      [2, 0, 2],
    ]);
    expect(overlaps[0]?.example).toBe(long);
  });

  test('a short benchmark row is looked for whole, and a very short one is counted', () => {
    const benchmark = ['What is five plus six?', 'How many?'];
    const train = ['Tell me: what is five plus six', 'what is five plus seven', 'how many'];
    const report = findContamination({ train, benchmark });
    expect(triples(report.overlaps)).toEqual([[0, 0, 1]]);
    expect(report).toMatchObject({ short: 1, unchecked: 1 });
  });

  test('other lengths of runs and other scripts', () => {
    const report = findContamination({
      train: ['Wie viele Äpfel hat Jörg'],
      benchmark: ['viele äpfel'],
      n: 2,
    });
    expect(triples(report.overlaps)).toEqual([[0, 0, 1]]);
  });
});

test.skipIf(!hasData())(
  `A twentieth of GSM8K train against Platinum: planted rows, and what brute force finds ${NEEDS_DATA}`,
  () => {
    const questions = (file: string) =>
      readJsonl(dataPath(file)).map(({ question }) => String(question));
    const benchmark = questions('gsm8k_platinum/test.jsonl');
    const own = questions('gsm8k/train.jsonl.gz').filter((_, index) => index % 20 === 0);
    const planted = [3, 77, 500].map((row) => `Please solve this: ${benchmark[row]} Thank you.`);
    const train = [...own, ...planted];
    const report = findContamination({ train, benchmark });
    expect(report).toMatchObject({ unchecked: 0 });
    const isLong = benchmark.map((text) => plain(text).split(' ').length >= 13);
    const found = triples(report.overlaps.filter((each) => isLong[each.benchmark]));
    expect(found).toEqual(bruteForce(train, benchmark, 13));
    const pairs = found.map(([t, b]) => `${t} ${b}`);
    for (const [i, row] of [3, 77, 500].entries())
      expect(pairs).toContain(`${own.length + i} ${row}`);
  },
);
