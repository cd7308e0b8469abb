/** `lorikeet bench grade`: grades per second of the graders that need nothing from outside, one thread. */
import { join } from 'node:path';
import { type BenchGradeConfig, parseGrader } from '../../config/index.js';
import {
  compileGrader,
  type GradedSample,
  gradedSample,
  makeRewards,
} from '../../rewards/index.js';
import { InputError } from '../../util/errors.js';
import { readJsonl } from '../../util/files.js';
import type { RecipeContext } from '../context.js';
import { peakRssMib } from './numbers.js';

export interface GradeFigures {
  readonly benchmark: 'grade';
  /** Pairs of different answers, and answers against themselves. */
  readonly pairs: number;
  readonly formulas: number;
  readonly grades_per_s: Readonly<Record<string, number>>;
  /** By the time of the processor, which other programs do not lengthen. */
  readonly grades_per_cpu_s: Readonly<Record<string, number>>;
  readonly peak_rss_mib: number;
}

type TimedGrade = (sample: GradedSample) => unknown;

const texts = { input: '{{ sample.output_text }}', reference: '{{ item.answer }}' };

const ANSWER_GRADERS: Readonly<Record<string, () => TimedGrade>> = {
  string_check: () => jsonGrader({ type: 'string_check', operation: 'ilike', ...texts }),
  fuzzy_match: () => similarity('fuzzy_match'),
  medical_fuzzy: () => reward('medical_fuzzy'),
  numeric: () => reward('numeric'),
  bleu: () => similarity('bleu'),
  meteor: () => similarity('meteor'),
  rouge_l: () => similarity('rouge_l'),
};

const jsonGrader = (grader: object): TimedGrade => compileGrader(parseGrader(grader, 'bench'));

const similarity = (evaluation_metric: string): TimedGrade =>
  jsonGrader({ type: 'text_similarity', evaluation_metric, ...texts });

function reward(name: string): TimedGrade {
  const grade = makeRewards([{ name, weight: 1 }]);
  return ({ text, item }) => grade(text, { ...item, reference_answer: item.answer });
}

/** @throws InputError when there are no rows */
export async function benchGrade(
  config: BenchGradeConfig,
  context: RecipeContext,
): Promise<GradeFigures> {
  const answers = answersOf(config.answers, 'medical/medquad_short.jsonl', 'answers');
  const formulas = answersOf(config.formulas, 'math/test.jsonl.gz', 'formulas');
  const pairs = answers.flatMap((answer, i) => [
    gradedSample({ answer }, { output_text: answer }),
    gradedSample({ answer }, { output_text: answers[(i + 1) % answers.length]! }),
  ]);
  const retyped = formulas.map((answer) =>
    gradedSample({ answer }, { output_text: `\\boxed{${retypeset(answer)}}` }),
  );
  const math = { type: 'math_equivalence', ...texts };
  const speeds: Record<string, number> = {};
  const cpuSpeeds: Record<string, number> = {};
  const measure = async (name: string, grade: TimedGrade, samples: readonly GradedSample[]) => {
    context.signal.throwIfAborted();
    const { wall, cpu } = await gradesPerSecond(grade, samples, config.seconds);
    speeds[name] = wall;
    cpuSpeeds[name] = cpu;
  };
  for (const [name, make] of Object.entries(ANSWER_GRADERS)) await measure(name, make(), pairs);
  await measure('math_equivalence', jsonGrader(math), retyped);
  return {
    benchmark: 'grade',
    pairs: pairs.length,
    formulas: formulas.length,
    grades_per_s: speeds,
    grades_per_cpu_s: cpuSpeeds,
    peak_rss_mib: peakRssMib(),
  };
}

function answersOf(file: string | null, named: string, key: string): string[] {
  const folder = process.env.LORIKEET_DATA;
  if (file === null && !folder) {
    throw new InputError({
      where: key,
      problem: 'there are no rows',
      remedy: `Give ${key}=F.jsonl, or set LORIKEET_DATA to a folder with ${named}`,
    });
  }
  const path = file ?? join(folder!, named);
  const answers = readJsonl(path).flatMap(({ answer }) =>
    typeof answer === 'string' && answer !== '' ? answer : [],
  );
  if (answers.length > 0) return answers;
  throw new InputError({ where: path, problem: 'no row has text in the column answer' });
}

/** The same mathematics in other signs, as models write it. */
function retypeset(formula: string): string {
  return formula
    .replaceAll('\\frac', '\\dfrac')
    .replaceAll('(', '\\left(')
    .replaceAll(')', '\\right)')
    .replace(/([+=])/g, ' $1 ');
}

/** Over the samples in a circle until the time is over, after some to warm up. */
async function gradesPerSecond(
  grade: TimedGrade,
  samples: readonly GradedSample[],
  seconds: number,
): Promise<{ readonly wall: number; readonly cpu: number }> {
  for (const sample of samples.slice(0, 500)) await grade(sample);
  const start = performance.now();
  const cpuStart = process.cpuUsage();
  let grades = 0;
  let spent = 0;
  for (; spent < seconds; spent = (performance.now() - start) / 1000) {
    for (const sample of samples.slice(grades % samples.length, (grades % samples.length) + 100)) {
      await grade(sample);
      grades++;
    }
  }
  const { user, system } = process.cpuUsage(cpuStart);
  return { wall: Math.round(grades / spent), cpu: Math.round((1e6 * grades) / (user + system)) };
}
