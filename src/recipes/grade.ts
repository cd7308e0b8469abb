/** `lorikeet grade`: a grader over rows; each row gets a score and a status. */
import type { GradeConfig } from '../config/index.js';
import {
  type GradedSample,
  type GraderOutcome,
  gradedSample,
  hasFailed,
} from '../rewards/index.js';
import { closing } from '../util/close-stack.js';
import { counted } from '../util/counted.js';
import { InputError } from '../util/errors.js';
import type { JsonRow } from '../util/files.js';
import { isObject } from '../util/json-object.js';
import { mean } from '../util/numbers.js';
import type { RecipeContext } from './context.js';
import { itemOf, validateInput, validateSets } from './grade/gold.js';
import { gradeAll } from './grade/grade-all.js';
import type { GradeChecks, GradeSummary } from './grade/results.js';
import { openScorer } from './grade/scorer.js';
import { stressGrader } from './grade/stress.js';
import { goldTable, stressTable } from './grade/tables.js';
import { inputRows } from './inputs/input-rows.js';
import { holdOutput, writeRows } from './outputs/rows-output.js';

export async function runGrade(
  config: GradeConfig,
  context: RecipeContext,
): Promise<GradeSummary | GradeChecks> {
  return config.validate || config.stress
    ? await checkGrader(config, context)
    : await gradeRows(config, context);
}

/** Both checks ask one scorer. Without a grader the data sets that are known by name are validated. */
async function checkGrader(config: GradeConfig, context: RecipeContext): Promise<GradeChecks> {
  const { input, validate, stress } = config;
  if (input === null) {
    const gold = await validateSets(context);
    context.log(goldTable(gold));
    return { gold, stress: null };
  }
  const scorer = await openScorer(config, context);
  try {
    const asked = { input, scorer, context };
    const gold = validate ? [await validateInput(config, asked)] : null;
    if (gold !== null) context.log(goldTable(gold));
    const attacked = stress ? await stressGrader(config, asked) : null;
    if (attacked !== null) context.log(stressTable(attacked));
    return { gold, stress: attacked };
  } finally {
    await scorer.close();
  }
}

/** @throws InputError on a bad grader, a row without a sample, or an output that is there. */
function gradeRows(config: GradeConfig, context: RecipeContext): Promise<GradeSummary> {
  return closing(async (stack) => {
    const { concurrency } = config;
    stack.defer(holdOutput(config));
    const { rows, where } = await inputRows(config.input!);
    const samples = rows.map((row, i) => sampleOf(row, where(i)));
    context.stopsInOrder?.();
    const scorer = stack.adopt(await openScorer(config, context), (own) => own.close());
    const start = performance.now();
    const { grade } = scorer;
    const graded = await gradeAll(samples, { grade, concurrency, signal: context.signal });
    const outcomes = graded.map(({ outcome }) => outcome);
    sayFailed(outcomes, context);
    const seconds = (performance.now() - start) / 1000;
    const written = rows.map((row, i) => ({ ...withoutOutcome(row), ...outcomes[i] }));
    writeRows(config, written, context);
    return {
      ...summaryOf(outcomes),
      seconds: Math.round(seconds * 1000) / 1000,
      output: config.output,
      endpoint: scorer.stats(),
    };
  });
}

const OUTCOME_KEYS: ReadonlySet<string> = new Set<keyof GraderOutcome>([
  'score',
  'status',
  'passed',
  'reason',
  'parts',
]);

/** A row that was graded before keeps nothing of that. */
const withoutOutcome = (row: JsonRow): JsonRow =>
  Object.fromEntries(Object.entries(row).filter(([key]) => !OUTCOME_KEYS.has(key)));

/** How many rows have no score because the grader failed, and the reason of the first. */
function sayFailed(outcomes: readonly GraderOutcome[], { log }: RecipeContext): void {
  const failed = outcomes.filter(({ status }) => hasFailed(status));
  if (failed.length === 0) return;
  const { status, reason } = failed[0]!;
  const first = reason === undefined ? '' : `; the first (${status}): ${reason}`;
  log(`warning: ${failed.length} of ${counted(outcomes.length, 'row')} without a score${first}`);
}

/** `{ item, sample }`; or the row is the item, and its `sample` or `completion` is what the model said. */
function sampleOf(row: JsonRow, where: string): GradedSample {
  const { sample, completion } = row;
  const said = sample ?? (typeof completion === 'string' ? { output_text: completion } : null);
  if (isObject(said)) return gradedSample(itemOf(row), said);
  throw new InputError({
    where,
    problem: 'the row has no sample',
    remedy: 'Give {"item":{…},"sample":{"output_text":"…"}}, or a column "completion"',
  });
}

function summaryOf(outcomes: readonly GraderOutcome[]) {
  const statuses = { ok: 0, timeout: 0, error: 0, skipped: 0 };
  for (const { status } of outcomes) statuses[status]++;
  const scores = outcomes.flatMap(({ score }) => score ?? []);
  const passed = outcomes.flatMap((outcome) => outcome.passed ?? []);
  return {
    rows: outcomes.length,
    mean_score: mean(scores),
    pass_rate: mean(passed.map(Number)),
    statuses,
  };
}
