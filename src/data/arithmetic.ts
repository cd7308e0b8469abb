/**
 * A seeded set of arithmetic word problems in GSM8K's form, for the quickstart and for tests: small
 * enough that a tiny decoder learns part of it in minutes, checkable exactly.
 *
 * Demonstrations come in two styles (see arithmetic-working.ts): `quick` states the result, `careful`
 * works it out. The style is drawn independent of the problem, so a model trained on them knows both
 * and reinforcement learning can find that the careful one is right more often.
 *
 * Splits are disjoint by sum: if 37+48 (in either order) is in the test split, it is in no other split,
 * whatever the names and objects around it.
 */
import { InputError } from '../util/errors.js';
import { Rng } from '../util/rng.js';
import {
  type ArithmeticOptions,
  type ArithmeticSettings,
  arithmeticSettings,
} from './arithmetic-options.js';
import {
  ARITHMETIC_LEVELS,
  type ArithmeticLevel,
  holdOut,
  type ProblemPool,
  problemsByLevel,
  sumKey,
} from './arithmetic-problems.js';
import {
  ARITHMETIC_NAMES,
  ARITHMETIC_OBJECTS,
  ARITHMETIC_TEMPLATES,
  type ArithmeticOperation,
} from './arithmetic-text.js';
import { type Problem, solve, type WorkingStyle, writeWorking } from './arithmetic-working.js';

/** A type and not an interface, so that a row is also a `JsonRow`. */
export type ArithmeticRow = {
  readonly question: string;
  /** `<working>\n\n#### N` */
  readonly answer: string;
  readonly style: WorkingStyle;
  readonly operation: ArithmeticOperation;
  readonly level: ArithmeticLevel;
  readonly a: number;
  readonly b: number;
};

export interface ArithmeticSplits {
  readonly train: ArithmeticRow[];
  readonly valid: ArithmeticRow[];
  readonly test: ArithmeticRow[];
}

/** Redraws in a row of a question that is there already before the split counts as full. */
const MAX_REDRAWS = 1000;

/**
 * The splits for a seed. The rows of one split do not depend on the sizes of the others, and a shorter
 * split is the beginning of a longer one. No question stands twice in a split.
 * @throws InputError on an option out of range, or when a split asks for more different questions
 *   than the vocabularies give.
 */
export function makeArithmetic(options: ArithmeticOptions): ArithmeticSplits {
  const settings = arithmeticSettings(options);
  const pools = holdOut(problemsByLevel(settings.maxOperand), {
    seed: settings.seed,
    share: settings.holdOutShare,
  });
  const splits = {
    train: drawSplit('train', pools.train, settings),
    valid: drawSplit('valid', pools.valid, settings),
    test: drawSplit('test', pools.test, settings),
  };
  assertDisjoint(splits);
  return splits;
}

function drawSplit(
  split: keyof ArithmeticSplits,
  pool: ProblemPool,
  settings: ArithmeticSettings,
): ArithmeticRow[] {
  const rng = Rng.of(settings.seed, 'arithmetic', split);
  const styles = Rng.of(settings.seed, 'arithmetic-style', split);
  const drawProblem = problemDrawer(pool, settings);
  const rows: ArithmeticRow[] = [];
  const seen = new Set<string>();
  for (let redraws = 0; rows.length < settings[split]; ) {
    const { level, problem } = drawProblem(rng);
    const question = drawQuestion(rng, problem, settings);
    if (seen.has(question)) {
      if (++redraws > MAX_REDRAWS) throw tooFewQuestions(split, rows.length, settings[split]);
      continue;
    }
    redraws = 0;
    seen.add(question);
    const style = styles.uniform() < settings.carefulShare ? 'careful' : 'quick';
    const answer = `${writeWorking(problem, style)}\n\n#### ${solve(problem)}`;
    rows.push({ question, answer, style, level, ...problem });
  }
  return rows;
}

function tooFewQuestions(split: string, made: number, wanted: number): InputError {
  return new InputError({
    where: 'arithmetic',
    problem: `only about ${made} different questions can be made for ${split}=${wanted}`,
    remedy: 'Ask for fewer rows, or raise max_operand, names, objects, templates or hold_out_share',
  });
}

interface DrawnProblem {
  readonly level: ArithmeticLevel;
  readonly problem: Problem;
}

function problemDrawer(
  pool: ProblemPool,
  { subtractShare, levelShares }: ArithmeticSettings,
): (rng: Rng) => DrawnProblem {
  const choicesFor = (operation: ArithmeticOperation) =>
    ARITHMETIC_LEVELS.map((level) => ({
      level,
      share: levelShares[level],
      problems: pool[level].filter((problem) => problem.operation === operation),
    })).filter(({ share, problems }) => share > 0 && problems.length > 0);
  const choices = { add: choicesFor('add'), subtract: choicesFor('subtract') };
  return (rng) => {
    const operation = rng.uniform() < subtractShare ? 'subtract' : 'add';
    const { level, problems } = pickByShare(rng, choices[operation], operation);
    return { level, problem: rng.pick(problems) };
  };
}

function pickByShare<T extends { readonly share: number }>(
  rng: Rng,
  choices: readonly T[],
  operation: ArithmeticOperation,
): T {
  let point = rng.uniform() * choices.reduce((sum, { share }) => sum + share, 0);
  for (const choice of choices) {
    point -= choice.share;
    if (point < 0) return choice;
  }
  const last = choices.at(-1);
  if (last !== undefined) return last;
  throw new InputError({
    where: 'arithmetic',
    problem: `no ${operation} problem is left at the levels asked for`,
    remedy: 'Raise max_operand, change hold_out_share, or give another level a share',
  });
}

function drawQuestion(
  rng: Rng,
  { operation, a, b }: Problem,
  settings: ArithmeticSettings,
): string {
  const name = rng.pick(ARITHMETIC_NAMES.slice(0, settings.names));
  const others = ARITHMETIC_NAMES.slice(0, settings.names).filter((each) => each !== name);
  const objects = rng.pick(ARITHMETIC_OBJECTS.slice(0, settings.objects));
  const template = rng.pick(ARITHMETIC_TEMPLATES[operation].slice(0, settings.templates));
  return template({ name, other: rng.pick(others), objects, a, b });
}

function assertDisjoint(splits: ArithmeticSplits): void {
  const owner = new Map<string, string>();
  for (const split of ['train', 'valid', 'test'] as const) {
    for (const row of splits[split]) {
      const key = sumKey(row);
      const other = owner.get(key) ?? split;
      if (other !== split) throw new Error(`arithmetic: ${key} is in both ${other} and ${split}`);
      owner.set(key, split);
    }
  }
}
