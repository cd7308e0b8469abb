/**
 * `lorikeet grade --validate`: the reference answer of every row scores full. Without a grader, on every
 * data set known by name that has answers, each by the reward that fits its form; with one, on the rows of
 * `input`, whose reference answers `gold` names.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GradeConfig } from '../../config/index.js';
import { loadRows, NAMED_DATASETS, namedDataset, type RowFormatName } from '../../data/index.js';
import {
  checkGold,
  compileTemplate,
  type GradedSample,
  gradedSample,
  makeRewards,
  type RewardRow,
  reaches,
  referenceCompletion,
} from '../../rewards/index.js';
import { InputError, messageOf, SetupError } from '../../util/errors.js';
import { isObject } from '../../util/json-object.js';
import type { RecipeContext } from '../context.js';
import { inputRows } from '../inputs/input-rows.js';
import { gradeAll } from './grade-all.js';
import type { AskedScorer } from './scorer.js';

export interface GoldReport {
  readonly name: string;
  readonly split: string;
  readonly rewards: readonly string[];
  readonly rows: number;
  /** Rows whose reference does not score full. */
  readonly failures: number;
  /** Index and score of the first of them. */
  readonly first: { readonly index: number; readonly score: number | null } | null;
  /** Why the set was not checked; null when it was. */
  readonly skipped: string | null;
}

interface GoldForm {
  readonly rewards: readonly string[];
  readonly render: (row: RewardRow) => string | null;
}

const BOXED: GoldForm = {
  rewards: ['boxed'],
  render: ({ answer }) => (typeof answer === 'string' ? `\\boxed{${answer}}` : null),
};

/** How the reference of a row is written as an answer, and what grades it; other forms have no one reference. */
const FORMS: Readonly<Partial<Record<RowFormatName, GoldForm>>> = {
  gsm8k: { rewards: ['format', 'correctness', 'numeric'], render: referenceCompletion },
  math: BOXED,
  competition: BOXED,
  olympiadbench: BOXED,
};

/** Every data set known by name that has answers. */
export async function validateSets({ signal }: RecipeContext): Promise<GoldReport[]> {
  const reports: GoldReport[] = [];
  for (const name of Object.keys(NAMED_DATASETS)) {
    const set = namedDataset(name)!;
    const form = FORMS[set.format];
    for (const split of form === undefined ? [] : set.splits) {
      signal.throwIfAborted();
      reports.push(await validateSet(name, split, form!));
    }
  }
  return reports;
}

async function validateSet(name: string, split: string, form: GoldForm): Promise<GoldReport> {
  const { rewards, render } = form;
  const about = { name, split, rewards };
  const absent = absentFile(name, split);
  if (absent !== null) return { ...about, rows: 0, failures: 0, first: null, skipped: absent };
  try {
    const { rows } = await loadRows(name, { split });
    const grade = makeRewards(rewards.map((reward) => ({ name: reward, weight: 1 })));
    const { failures } = checkGold(rows, { grade, fullScore: rewards.length, render });
    const [first] = failures;
    return {
      ...about,
      rows: rows.length,
      failures: failures.length,
      first: first === undefined ? null : { index: first.index, score: first.total },
      skipped: null,
    };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return { ...about, rows: 0, failures: 0, first: null, skipped: messageOf(error) };
  }
}

/** Why a split is not in the folder of local copies; null where it is, or where there is no folder. */
function absentFile(name: string, split: string): string | null {
  const set = namedDataset(name)!;
  const folder = process.env.LORIKEET_DATA;
  if (set.kind !== 'files' || !folder) return null;
  const file = set.local[split];
  const isThere = file !== undefined && existsSync(join(folder, file));
  return isThere ? null : `${file ?? split} is not in the folder LORIKEET_DATA`;
}

/** The reference answers of the rows of `input`, by the config's grader. */
export async function validateInput(
  config: GradeConfig,
  { input, scorer, context }: AskedScorer,
): Promise<GoldReport> {
  const { grader_file: file, rewards } = config;
  const { rows, where } = await inputRows(input);
  const samples = rows.map(referenceOf(config, where));
  const { concurrency, full_score: full } = config;
  const graded = await gradeAll(samples, {
    grade: scorer.grade,
    concurrency,
    signal: context.signal,
  });
  const failed = graded.flatMap(({ outcome: { score } }, index) =>
    score !== null && reaches(score, full) ? [] : [{ index, score }],
  );
  return {
    name: input,
    split: '',
    rewards: file === null ? rewards.map(({ name }) => name) : [file],
    rows: samples.length,
    failures: failed.length,
    first: failed[0] ?? null,
    skipped: null,
  };
}

/** The reference answer of a row as a sample. @throws InputError on a row without one */
function referenceOf({ gold }: GradeConfig, where: (index: number) => string) {
  const template = compileTemplate(gold, 'gold');
  return (row: RewardRow, index: number): GradedSample => {
    const item = itemOf(row);
    try {
      return gradedSample(item, { output_text: template(gradedSample(item, {})) });
    } catch (error) {
      throw new InputError({
        where: where(index),
        problem: `it has no reference answer by gold=${gold}: ${messageOf(error)}`,
        remedy: 'Name its column, e.g. gold="{{ item.answer }}"',
      });
    }
  };
}

/** The data row: `item`, or the row itself. */
export function itemOf(row: RewardRow): RewardRow {
  const { item } = row;
  return isObject(item) ? item : row;
}
