/** The keys `benchmark`, `dataset` and `grader` → rows, the way they are graded, and their tables. */
import {
  type AnswerGrader,
  BENCHMARK_NAMES,
  benchmarkOf,
  factorizationGrader,
  type GraderName,
  mathGrader,
  numericGrader,
  textGrader,
} from '../../evaluate/index.js';
import { InputError } from '../../util/errors.js';
import { type TagKeys, tagsOf } from '../inputs/answer-tags.js';
import type { EvaluationKeys } from './evaluate-model.js';

/** The benchmark's own rows, unless the config names others. */
export function benchmarkRows({
  benchmark,
  dataset,
}: Pick<EvaluationKeys, 'benchmark' | 'dataset'>): EvaluationKeys['dataset'] {
  if (dataset.name !== null || dataset.path !== null) return dataset;
  const known = benchmarkOf(benchmark);
  if (known !== null && known.dataset !== null) return { ...dataset, name: known.dataset };
  if (known !== null) {
    throw new InputError({
      where: 'dataset',
      problem: `${benchmark} has no rows of its own`,
      remedy: 'Give dataset=NAME or dataset.path=FILE, and dataset.columns where names differ',
    });
  }
  throw unknown(benchmark, 'give dataset=NAME or dataset.path=FILE, and a grader');
}

const unknown = (benchmark: string, other: string): InputError =>
  new InputError({
    where: 'benchmark',
    problem: `"${benchmark}" is not known`,
    remedy: `Known are ${BENCHMARK_NAMES.join(', ')}; or ${other}`,
  });

/** Which of the rows the benchmark asks for, also of rows that the config names. */
export const benchmarkFilter = ({ benchmark }: Pick<EvaluationKeys, 'benchmark'>) =>
  benchmarkOf(benchmark)?.only;

/** Columns that tables are made by: those of the benchmark, and of MATH for other rows. */
export const benchmarkGroups = ({ benchmark }: Pick<EvaluationKeys, 'benchmark'>) =>
  benchmarkOf(benchmark)?.groups ?? ['level', 'type', 'subject'];

/**
 * The way that answers are graded, `auto` resolved.
 * @throws InputError on `auto` where the benchmark, which decides it, is not known
 */
export const graderName = ({
  benchmark,
  grader,
}: Pick<EvaluationKeys, 'benchmark' | 'grader'>): GraderName => {
  if (grader !== 'auto') return grader;
  const known = benchmarkOf(benchmark);
  if (known === null) throw unknown(benchmark, 'say how answers are compared: grader=NAME');
  return known.grader;
};

/** @throws InputError on tags that cannot be told apart */
export function answerGrader(
  keys: Pick<EvaluationKeys, 'benchmark' | 'grader' | 'answer_format'> & TagKeys,
): AnswerGrader {
  const tags = tagsOf(keys);
  const name = graderName(keys);
  if (name === 'math') return mathGrader({ tags });
  if (name === 'numeric') return numericGrader({ tags, form: keys.answer_format });
  if (name === 'factorization') return factorizationGrader();
  return textGrader(name, { tags, isWhole: benchmarkOf(keys.benchmark)?.isWhole === true });
}
