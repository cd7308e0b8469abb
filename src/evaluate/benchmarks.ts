/** Benchmarks by name: which rows, how their answers are graded, and what their tables are grouped by. */

import type { TextGraderName } from './text-grade.js';

export type GraderName = 'numeric' | 'math' | 'factorization' | TextGraderName;

export interface Benchmark {
  /** Named data set of its rows; null: the config names them. */
  readonly dataset: string | null;
  readonly grader: GraderName;
  /** Columns that tables of accuracy are made by, where the rows have them. */
  readonly groups: readonly string[];
}

const COMPETITION: Omit<Benchmark, 'dataset'> = { grader: 'math', groups: [] };
const MATH: Omit<Benchmark, 'dataset'> = { grader: 'math', groups: ['level', 'type', 'subject'] };

export const BENCHMARKS = {
  gsm8k: { dataset: 'gsm8k', grader: 'numeric', groups: [] },
  'gsm8k-platinum': { dataset: 'gsm8k-platinum', grader: 'numeric', groups: [] },
  arithmetic: { dataset: 'arithmetic', grader: 'numeric', groups: ['level', 'kind'] },
  math: { dataset: 'math', ...MATH },
  'math-500': { dataset: 'math-500', ...MATH },
  aime24: { dataset: 'aime24', ...COMPETITION },
  aime25: { dataset: 'aime25', ...COMPETITION },
  amc23: { dataset: 'amc23', ...COMPETITION },
  factorization: { dataset: null, grader: 'factorization', groups: ['metadata.tier'] },
  medical: { dataset: null, grader: 'combined', groups: [] },
  olympiadbench: {
    dataset: 'olympiadbench',
    grader: 'math',
    groups: ['subfield', 'answer_type'],
  },
} as const satisfies Record<string, Benchmark>;

export const BENCHMARK_NAMES: readonly string[] = Object.keys(BENCHMARKS);

/** The benchmark of that name, or null. */
export function benchmarkOf(name: string): Benchmark | null {
  return Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name as keyof typeof BENCHMARKS] : null;
}
