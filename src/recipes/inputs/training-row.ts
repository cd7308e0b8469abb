/** A row of a data set → what SFT learns of it: a problem's answer is written in the form that is trained. */
import type { ChatRow } from '../../tokenizer/index.js';
import { type AnswerTags, taggedAnswer } from '../../util/answer-tags.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { fieldNames } from '../../util/shown.js';
import { promptRow } from './prompt-row.js';
import { rowForm } from './row-form.js';

export interface AnswerStyle {
  readonly tags: AnswerTags;
  /** `boxed`: the worked solution itself, which ends in `\\boxed{}`. */
  readonly form: 'tags' | 'boxed';
}

function written(
  { reasoning, answer }: { readonly reasoning: string; readonly answer: string },
  { tags, form }: AnswerStyle,
): string {
  if (form === 'tags') return taggedAnswer(tags, { reasoning, answer });
  const isBoxed = reasoning.includes('\\boxed');
  return isBoxed ? reasoning : `${reasoning}\nThe answer is $\\boxed{${answer}}$.`;
}

const REMEDY =
  'Give answer "<working>\\n#### N", or reasoning and answer; map other names by dataset.columns';
const REMEDY_OF_ANSWER =
  "To learn the answer as it stands: dataset.columns='{prompt: question, completion: answer}'";
/** What TRL does of itself; a text beside a question may as well be the passage that it asks about. */
const REMEDY_OF_TEXT =
  'To learn its text as it stands, as TRL does, take the question out: dataset.columns={unread: question}';

/**
 * Problems are answered in the four tags or with a box, other forms stay as they are.
 * @throws InputError on a question without its working and answer, and on a row of no form.
 */
export function trainingRow(row: JsonRow, style: AnswerStyle, where: string): ChatRow {
  const { reasoning, answer, completion } = row;
  const form = rowForm(row);
  if (form === undefined) throw ofNoForm(row, where);
  if (form !== 'question') return row;
  if (completion !== undefined) return { ...promptRow(row), completion };
  const isAnswer = typeof answer === 'string' || typeof answer === 'number';
  if (typeof reasoning === 'string' && isAnswer) {
    const worked = { reasoning, answer: String(answer) };
    return { ...promptRow(row), completion: written(worked, style) };
  }
  throw new InputError({
    where,
    problem: `a question without its working and answer (it has ${fieldNames(row)})`,
    remedy: [
      REMEDY,
      ...(typeof answer === 'string' && answer !== '' ? [REMEDY_OF_ANSWER] : []),
      ...(row.text === undefined ? [] : [REMEDY_OF_TEXT]),
    ].join('. '),
  });
}

/** What data sets often call the two, in any case. What is worked out comes before what is not. */
const PROMPTS = ['instruction', 'query', 'problem', 'question', 'input', 'user'];
const COMPLETIONS = ['output', 'response', 'solution', 'answer', 'completion', 'assistant'];

function ofNoForm(row: JsonRow, where: string): InputError {
  const texts = Object.keys(row).filter((name) => typeof row[name] === 'string');
  const called = (name: string) => texts.find((text) => text.toLowerCase() === name);
  const firstOf = (names: readonly string[]) => names.map(called).find(Boolean) ?? 'COLUMN';
  const [instruction, input] = [called('instruction'), called('input')];
  const isAlpaca = instruction !== undefined && input !== undefined;
  const prompt = isAlpaca ? `"{${instruction}}\\n{${input}}"` : firstOf(PROMPTS);
  const completion = firstOf(COMPLETIONS);
  return new InputError({
    where,
    problem: `needs messages, prompt and completion, or text; found ${fieldNames(row)}`,
    remedy: `Name its columns, as dataset.columns='{prompt: ${prompt}, completion: ${completion}}'`,
  });
}
