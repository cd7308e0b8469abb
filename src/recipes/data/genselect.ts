/**
 * `lorikeet data genselect`: from graded solutions, rows that teach a model to name the right one (GenSelect,
 * Moshkov et al. 2025, arXiv 2504.16891). The prompt is that of `strategy=genselect`; the reply is the number
 * alone, without the comparison in words that the paper has another model write.
 */
import { join } from 'node:path';
import type { DataConfig } from '../../config/index.js';
import { loadRows } from '../../data/index.js';
import { selectionPrompt } from '../../evaluate/index.js';
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import { type JsonRow, writeJson, writeJsonl } from '../../util/files.js';
import { groupBy } from '../../util/group.js';
import { Rng } from '../../util/rng.js';
import type { RecipeContext } from '../context.js';
import { removeFiles, STATS_FILE } from './set-files.js';

const TRAIN = 'train.jsonl';
export const GENSELECT_FILES = [TRAIN, STATS_FILE];

interface Solution {
  readonly question: string;
  readonly text: string;
  readonly isRight: boolean;
}

function solutionOf(row: JsonRow, where: string, config: DataConfig): Solution {
  const { completion_column: text, correct_column: right } = config.genselect;
  const { question, [text]: solution, [right]: isRight } = row;
  if (typeof question === 'string' && typeof solution === 'string' && typeof isRight === 'boolean')
    return { question, text: solution, isRight };
  throw new InputError({
    where,
    problem: `a row needs question and ${text} (texts) and ${right} (true or false)`,
    remedy: 'Set genselect.completion_column and genselect.correct_column',
  });
}

/** One right solution among wrong ones, in an order of the seed; null where one kind is missing. */
function selectionRow(question: string, own: readonly Solution[], config: DataConfig) {
  const rng = Rng.of(config.seed, 'genselect', question);
  const texts = (isRight: boolean) =>
    rng.shuffle([...new Set(own.filter((row) => row.isRight === isRight).map(({ text }) => text))]);
  const [right] = texts(true);
  const wrong = texts(false).slice(0, config.genselect.candidates - 1);
  if (right === undefined || wrong.length === 0) return null;
  const candidates = rng.shuffle([right, ...wrong]);
  return {
    prompt: [{ role: 'user', content: selectionPrompt(question, candidates) }],
    completion: `\\boxed{${candidates.indexOf(right) + 1}}`,
    question,
    candidates: candidates.length,
  };
}

/** @throws InputError without graded solutions, or where no question has right and wrong ones */
export async function makeGenselect(config: DataConfig, folder: string, context: RecipeContext) {
  const { input } = config.genselect;
  if (input === null) {
    const remedy = 'Give genselect.input=FILE, e.g. samples.jsonl of a GRPO run';
    throw new InputError({ where: 'genselect.input', problem: 'missing', remedy });
  }
  const { rows, where } = await loadRows(input);
  const solutions = rows.map((row, i) => solutionOf(row, where(i), config));
  const groups = groupBy(solutions, ({ question }) => question);
  const made = [...groups].flatMap(([question, own]) => selectionRow(question, own, config) ?? []);
  if (made.length === 0) {
    throw new InputError({
      where: input,
      problem: `none of its questions (${groups.size}) has right and wrong solutions`,
      remedy: 'Sample more solutions of each question, at a higher temperature',
    });
  }
  const kept = made.slice(0, config.train_samples ?? made.length);
  removeFiles(folder, GENSELECT_FILES);
  writeJsonl(join(folder, TRAIN), kept);
  const counts = { solutions: solutions.length, questions: groups.size, train: kept.length };
  writeJson(join(folder, STATS_FILE), { name: 'genselect', seed: config.seed, ...counts });
  context.log(`genselect: ${counted(kept.length, 'row')} from ${counted(groups.size, 'question')}`);
  return { output_dir: folder, rows: counts };
}
