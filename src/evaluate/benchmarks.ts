/** Benchmarks by name: which rows, how their answers are graded, and what their tables are grouped by. */
import type { RowFilter } from '../data/index.js';
import type { TextScorerName } from '../rewards/index.js';

export type GraderName = 'numeric' | 'math' | 'factorization' | TextScorerName;

export interface Benchmark {
  /** Named data set of its rows; null: the config names them. */
  readonly dataset: string | null;
  readonly grader: GraderName;
  /** Columns that tables of accuracy are made by, where the rows have them. */
  readonly groups: readonly string[];
  /** Answers are whole responses, without marks. */
  readonly isWhole?: true;
  /** Which of the rows; absent: all. */
  readonly only?: RowFilter;
}

const COMPETITION: Omit<Benchmark, 'dataset'> = { grader: 'math', groups: [] };
const MATH: Omit<Benchmark, 'dataset'> = { grader: 'math', groups: ['level', 'type', 'subject'] };
const OLYMPIAD: Omit<Benchmark, 'dataset'> = {
  grader: 'math',
  groups: ['subfield', 'answer_type'],
};
/** As MATH and as MATH-500 write it. */
export const LEVEL_5: RowFilter = { column: 'level', values: ['Level 5', '5'] };

const BENCHMARKS = {
  gsm8k: { dataset: 'gsm8k', grader: 'numeric', groups: [] },
  'gsm8k-platinum': { dataset: 'gsm8k-platinum', grader: 'numeric', groups: [] },
  arithmetic: { dataset: 'arithmetic', grader: 'numeric', groups: ['level', 'kind'] },
  math: { dataset: 'math', ...MATH },
  'math-level-5': { dataset: 'math', ...MATH, groups: ['type', 'subject'], only: LEVEL_5 },
  'math-500': { dataset: 'math-500', ...MATH },
  aime: { dataset: 'aime24', ...COMPETITION },
  aime24: { dataset: 'aime24', ...COMPETITION },
  aime25: { dataset: 'aime25', ...COMPETITION },
  amc: { dataset: 'amc23', ...COMPETITION },
  amc23: { dataset: 'amc23', ...COMPETITION },
  factorization: { dataset: null, grader: 'factorization', groups: ['metadata.tier'] },
  medical: { dataset: null, grader: 'combined', groups: [], isWhole: true },
  olympiad: { dataset: 'olympiadbench', ...OLYMPIAD },
  olympiadbench: { dataset: 'olympiadbench', ...OLYMPIAD },
} as const satisfies Record<string, Benchmark>;

export const BENCHMARK_NAMES: readonly string[] = Object.keys(BENCHMARKS);

/** The benchmark of that name, or null. */
export function benchmarkOf(name: string): Benchmark | null {
  return Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name as keyof typeof BENCHMARKS] : null;
}
