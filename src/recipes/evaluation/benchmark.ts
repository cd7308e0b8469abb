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
import type { EvaluationKeys } from './evaluation-inputs.js';

type BenchmarkKeys = Pick<EvaluationKeys, 'benchmark' | 'section'>;

/** The benchmark's own rows, unless the config names others. */
export function benchmarkRows({
  benchmark,
  dataset,
  section = '',
}: BenchmarkKeys & Pick<EvaluationKeys, 'dataset'>): EvaluationKeys['dataset'] {
  if (dataset.name !== null || dataset.path !== null) return dataset;
  const known = benchmarkOf(benchmark);
  if (known !== null && known.dataset !== null) return { ...dataset, name: known.dataset };
  if (known !== null) {
    throw new InputError({
      where: `${section}dataset`,
      problem: `${benchmark} has no rows of its own`,
      remedy: `Give ${section}dataset=NAME or FILE, and ${section}dataset.columns where names differ`,
    });
  }
  throw unknown({ benchmark, section }, `give ${section}dataset=NAME or FILE, and a grader`);
}

/** @param other What else helps a command of its own; a trainer's evaluation has no key for it. */
const unknown = ({ benchmark, section }: BenchmarkKeys, other: string): InputError =>
  new InputError({
    where: `${section ?? ''}benchmark`,
    problem: `"${benchmark}" is not known`,
    remedy: `Known are ${BENCHMARK_NAMES.join(', ')}${section === undefined ? `; or ${other}` : ''}`,
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
export const graderName = (keys: BenchmarkKeys & Pick<EvaluationKeys, 'grader'>): GraderName => {
  if (keys.grader !== 'auto') return keys.grader;
  const known = benchmarkOf(keys.benchmark);
  if (known === null) throw unknown(keys, 'say how answers are compared: grader=NAME');
  return known.grader;
};

/** Whether grades have a score beside right and wrong. */
export const givesScore = (
  keys: BenchmarkKeys & Pick<EvaluationKeys, 'grader' | 'grader_file'>,
): boolean => keys.grader_file !== null || !['numeric', 'math'].includes(graderName(keys));

/** @throws InputError on tags that cannot be told apart */
export function answerGrader(
  keys: BenchmarkKeys & Pick<EvaluationKeys, 'grader' | 'answer_format'> & TagKeys,
): AnswerGrader {
  const tags = tagsOf(keys);
  const name = graderName(keys);
  if (name === 'math') return mathGrader({ tags });
  if (name === 'numeric') return numericGrader({ tags, form: keys.answer_format });
  if (name === 'factorization') return factorizationGrader();
  return textGrader(name, { tags, isWhole: benchmarkOf(keys.benchmark)?.isWhole === true });
}
