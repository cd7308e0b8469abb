/**
 * Verifiable medical questions as rows for reinforcement fine-tuning: the vignettes of a set that begin with
 * an age, split by seed, answers in lower case, and a prompt before the first user message.
 */
import { counted } from '../util/counted.js';
import { InputError } from '../util/errors.js';
import type { JsonRow } from '../util/files.js';
import { Rng } from '../util/rng.js';
import { fieldNames } from '../util/shown.js';

/** A type and not an interface, so that a row is also a `JsonRow`. */
export type MedicalRow = {
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly reference_answer: string;
};

export interface MedicalOptions {
  readonly questionColumn: string;
  readonly answerColumn: string;
  /** Questions that do not match are left out; null keeps all. */
  readonly filter: RegExp | null;
  readonly seed: number;
  readonly train: number;
  readonly test: number;
}

export interface MedicalSplits {
  readonly train: readonly MedicalRow[];
  readonly val: readonly MedicalRow[];
  /** Questions that match the filter, duplicates once. */
  readonly matching: number;
  /** Rows with the question of an earlier row. */
  readonly duplicates: number;
  /** Matching rows left out, since no answer to them can be graded. */
  readonly unanswered: number;
}

const textIn = (row: JsonRow, column: string, where: string): string => {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw new InputError({
    where,
    problem: `no text in column "${column}" (it has ${fieldNames(row)})`,
    remedy: 'Name the columns in medical.question_column and medical.answer_column',
  });
};

/**
 * Disjoint splits: no question is in both.
 * @throws InputError on a row without the columns, or when too few questions are left.
 */
export function medicalSplits(
  rows: readonly JsonRow[],
  where: (index: number) => string,
  options: MedicalOptions,
): MedicalSplits {
  const { filter, seed, train, test } = options;
  const byQuestion = new Map<string, MedicalRow>();
  let matches = 0;
  let unanswered = 0;
  for (const [index, row] of rows.entries()) {
    const question = textIn(row, options.questionColumn, where(index));
    const isOpen = row[options.answerColumn] === null;
    const answer = isOpen ? '' : textIn(row, options.answerColumn, where(index));
    if (filter !== null && !filter.test(question)) continue;
    if (answer.trim() === '') {
      unanswered++;
      continue;
    }
    matches++;
    if (byQuestion.has(question)) continue;
    const messages = [{ role: 'user', content: question }];
    byQuestion.set(question, { messages, reference_answer: answer.toLowerCase() });
  }
  const matching = byQuestion.size;
  if (matching < train + test) {
    const [answered, further] =
      unanswered === 0
        ? ['', '']
        : [
            ` and have an answer (${unanswered} have none)`,
            ', or name another medical.answer_column',
          ];
    throw new InputError({
      where: 'train_samples + test_samples',
      problem: `${train} + ${test} rows are more than the ${counted(matching, 'question')} that match${answered}`,
      remedy: `Ask for fewer, or widen medical.filter (null keeps all)${further}`,
    });
  }
  const order = Rng.of(seed, 'medical').shuffle([...byQuestion.values()]);
  return {
    train: order.slice(0, train),
    val: order.slice(train, train + test),
    matching,
    duplicates: matches - matching,
    unanswered,
  };
}

/**
 * Rows with a system prompt at the head of the first user message. Given again it changes nothing; a first
 * message of another role, or whose content is no text, stays as it is.
 */
export function withPrompt(rows: readonly MedicalRow[], prompt: string): MedicalRow[] {
  return rows.map((row) => {
    const [first, ...rest] = row.messages;
    if (first?.role !== 'user' || typeof first.content !== 'string') return row;
    if (first.content.startsWith(prompt)) return row;
    return { ...row, messages: [{ ...first, content: `${prompt}\n\n${first.content}` }, ...rest] };
  });
}

/** Prompts by `prompt_type`. */
export const MEDICAL_PROMPTS: Readonly<Record<string, string>> = {
  simple: `You are an expert clinician. Read the vignette and reply with one phrase only: the single most likely outcome or phenomenon, in lowercase.
- Give the term alone, without punctuation, articles, explanation or commentary.
- The expected term may be a synonym of the one you think of first.
- Use its standard clinical name, such as "thought withdrawal" or "Toxoplasma encephalitis".`,
};

const STEM = 'medical_01_verifiable_problem';

/** The file of a split with this prompt before its questions; with `none` it has none. */
export const medicalFile = (split: string, promptType: string): string =>
  `${STEM}_${split}${promptType === 'none' ? '' : `_${promptType}_prompt`}.jsonl`;

const MEDICAL_FILE = new RegExp(`^${STEM}_(train|val)(_.+_prompt)?(_sft)?\\.jsonl$`);

/** Whether a file of the set has this name, whatever the prompt. */
export const isMedicalFile = (name: string): boolean => MEDICAL_FILE.test(name);
