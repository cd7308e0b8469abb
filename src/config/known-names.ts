/** Names that data sets and benchmarks have; other texts are taken as well (files, hub ids). */

export const DATASET_NAMES = [
  ...['gsm8k', 'gsm8k-platinum', 'math', 'math-500', 'aime24', 'aime25', 'amc23', 'olympiadbench'],
  ...['numina-cot', 'numina-tir', 'openmath-reasoning', 'pubmedqa', 'arithmetic'],
];

export const BENCHMARK_NAMES = [
  ...['gsm8k', 'gsm8k-platinum', 'arithmetic', 'math', 'math-level-5', 'math-500', 'aime'],
  ...['aime24', 'aime25', 'amc', 'amc23', 'factorization', 'medical', 'olympiad', 'olympiadbench'],
];
