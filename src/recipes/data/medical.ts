/** `lorikeet data medical`: training and validation files for reinforcement fine-tuning, with and without prompt. */
import { join } from 'node:path';
import type { DataConfig } from '../../config/index.js';
import {
  isMedicalFile,
  loadRows,
  MEDICAL_PROMPTS,
  type MedicalRow,
  medicalFile,
  medicalSplits,
  withPrompt,
} from '../../data/index.js';
import { counted } from '../../util/counted.js';
import { InputError, messageOf } from '../../util/errors.js';
import { writeJson, writeJsonl } from '../../util/files.js';
import { namesIn } from '../../util/names-in.js';
import type { RecipeContext } from '../context.js';
import { hubOptions, pinned } from '../inputs/hub-options.js';
import { removeFiles, STATS_FILE } from './set-files.js';

const DEFAULT_ROWS = 100;

/** Those of an earlier call that are in a folder, also with another prompt, and the statistics. */
export const medicalFiles = (folder: string): string[] => [
  STATS_FILE,
  ...namesIn(folder).filter(isMedicalFile),
];

function compiled(filter: string | null): RegExp | null {
  if (filter === null) return null;
  try {
    return new RegExp(filter, 'u');
  } catch (error) {
    throw new InputError({ where: 'medical.filter', problem: messageOf(error) });
  }
}

/** The prompt's text; null for `prompt_type: none`. */
function promptOf({ prompt_type: type, system_prompt: own }: DataConfig['medical']): string | null {
  if (type === 'none') return null;
  const text = own ?? (Object.hasOwn(MEDICAL_PROMPTS, type) ? MEDICAL_PROMPTS[type] : undefined);
  if (text !== undefined) return text;
  throw new InputError({
    where: 'medical.prompt_type',
    problem: `there is no prompt "${type}"`,
    remedy: `Choose ${Object.keys(MEDICAL_PROMPTS).join(', ')} or none, or give its text in medical.system_prompt`,
  });
}

/** The row with its answer as the assistant's turn. */
const answered = ({ messages, reference_answer: content }: MedicalRow) => ({
  messages: [...messages, { role: 'assistant', content }],
});

/** @throws InputError on columns that are not there, a bad filter, or too few questions. */
export async function makeMedical(config: DataConfig, folder: string, context: RecipeContext) {
  const { source, question_column, answer_column, filter, prompt_type } = config.medical;
  const prompt = promptOf(config.medical);
  const loaded = await loadRows(source, {
    format: 'plain',
    hub: hubOptions(context),
    ...pinned(config.medical.revision, 'medical.revision'),
  });
  const splits = medicalSplits(loaded.rows, loaded.where, {
    questionColumn: question_column,
    answerColumn: answer_column,
    filter: compiled(filter),
    seed: config.seed,
    train: config.train_samples ?? DEFAULT_ROWS,
    test: config.test_samples ?? DEFAULT_ROWS,
  });
  const files: Record<string, unknown> = {};
  const write = (file: string, rows: readonly unknown[]) => {
    const sha256 = writeJsonl(join(folder, file), rows);
    files[file] = { rows: rows.length, sha256 };
    context.log(`${counted(rows.length, 'row')} in ${join(folder, file)}`);
  };
  removeFiles(folder, medicalFiles(folder));
  for (const split of ['train', 'val'] as const) {
    write(medicalFile(split, 'none'), splits[split]);
    if (prompt !== null) write(medicalFile(split, prompt_type), withPrompt(splits[split], prompt));
  }
  if (config.medical.demonstrations) {
    const rows = prompt === null ? splits.train : withPrompt(splits.train, prompt);
    write(medicalFile('train', prompt_type).replace('.jsonl', '_sft.jsonl'), rows.map(answered));
  }
  const { matching, duplicates, unanswered } = splits;
  if (unanswered > 0) context.log(`${counted(unanswered, 'question')} left out: without an answer`);
  const options = { ...config.medical, seed: config.seed };
  const read = { rows: loaded.rows.length, matching, duplicates, unanswered };
  const { provenance } = loaded;
  writeJson(join(folder, STATS_FILE), { name: 'medical', options, read, files, provenance });
  return { output_dir: folder, rows: { train: splits.train.length, val: splits.val.length } };
}
