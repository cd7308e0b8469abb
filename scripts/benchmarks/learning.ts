/** What the learning tests found, as a section of docs/benchmarks.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { table } from '../measuring.js';
import { benchmarksPage, type Measured } from './page.js';

export interface LearningRow {
  readonly name: string;
  /** Keys beside those of `configs/quickstart`. */
  readonly keys: string;
  readonly measure: string;
  readonly start: number;
  readonly end: number;
  readonly steps: number;
}

interface Kept {
  readonly date: string;
  readonly rows: readonly LearningRow[];
}

const KEPT = 'docs/learning.json';

const row = ({ name, keys, measure, start, end, steps }: LearningRow) => [
  ...[name, measure, start.toFixed(3), end.toFixed(3), steps],
  keys === '' ? '' : `\`${keys}\``,
];

/** The section, or nothing before the first run of the tests. */
export function learningSection(): string[] {
  if (!existsSync(KEPT)) return [];
  const { date, rows } = JSON.parse(readFileSync(KEPT, 'utf8')) as Kept;
  return [
    '## Learning',
    '',
    `Measured ${date} by \`npm run test:learning\`: each trainer on the decoder and the data of the quickstart. DPO`,
    'and GRPO begin with the same SFT model, GRPO with int8 rollouts and one row a seed. The pairs of DPO are those',
    'of [preference-pairs.ts](../test/learning/preference-pairs.ts). No guard and no alarm spoke up.',
    '',
    ...table(
      ['trainer', 'measure', 'start', 'end', 'steps', 'keys beside configs/quickstart'],
      rows.map(row),
    ),
    '',
  ];
}

/** Keeps the results and renews the page. */
export function writeLearning(rows: readonly LearningRow[]): void {
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(KEPT, `${JSON.stringify({ date, rows }, null, 2)}\n`);
  const { machine, results } = JSON.parse(readFileSync('docs/benchmarks.json', 'utf8')) as {
    machine: string;
    results: Measured[];
  };
  writeFileSync('docs/benchmarks.md', benchmarksPage(machine, results, learningSection()));
}
