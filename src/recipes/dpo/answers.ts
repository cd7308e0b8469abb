/** The answers of a preference row as token sequences, each behind the row's prompt. */
import type { DpoConfig } from '../../config/index.js';
import { type AnsweredPrompt, type PromptPlace, splitPrompt } from '../../data/index.js';
import type { MaskedSequence } from '../../model/index.js';
import {
  asMessages,
  asTurns,
  renderExample,
  type Tokenizer,
  type Turns,
  variableColumns,
} from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { fieldNames, shown } from '../../util/shown.js';
import { promptRow } from '../inputs/prompt-row.js';
import { renderOptions } from '../inputs/render-options.js';

export type AnswerSide = 'chosen' | 'rejected' | 'completion';

export interface AnswerSource {
  readonly tokenizer: Tokenizer;
  readonly config: DpoConfig;
  readonly where: string;
}

export interface Answers {
  /** In the order of the sides asked for. */
  readonly sequences: readonly MaskedSequence[];
  /** Where the prompt stood. */
  readonly place: PromptPlace;
}

/** @throws InputError on a row without an answer asked for, or without a prompt. */
export function answersOf(
  row: JsonRow,
  sides: readonly AnswerSide[],
  { tokenizer, config, where }: AnswerSource,
): Answers {
  const { prompt, answers, place } = split(row, sides, where);
  const isQuestion = (row.prompt ?? null) === null && prompt === row.question;
  const asked = isQuestion ? promptRow(row) : { ...variableColumns(row), prompt };
  const options = renderOptions(config, where);
  const sequences = answers.map((completion) =>
    renderExample(tokenizer, { ...asked, completion }, options),
  );
  return { sequences, place };
}

function split(row: JsonRow, sides: readonly AnswerSide[], where: string): AnsweredPrompt {
  const answers = sides.map((side) => {
    if (row[side] === undefined || row[side] === null) throw noAnswer(row, side, where);
    return asTurns(row[side], `${where}: ${side}`);
  });
  const given = givenPrompt(row, where);
  const found = splitPrompt(given, answers);
  if (typeof found !== 'string') return found;
  const isOther = given === null && row.messages !== undefined;
  const other = isOther
    ? splitPrompt(asMessages(row.messages, `${where}: messages`), answers)
    : found;
  if (typeof other !== 'string') return other;
  throw new InputError({
    where,
    problem: `${other} (it has ${fieldNames(row)})`,
    remedy: 'Give prompt or question; map other names by dataset.columns',
  });
}

/** `prompt`, which TRL reads alone, else `question`. @throws InputError where a prompt is of another question */
function givenPrompt(row: JsonRow, where: string): Turns | null {
  const { prompt = null, question = null } = row;
  const own = prompt ?? question;
  if (own === null) return null;
  const turns = asTurns(own, `${where}: prompt`);
  if (typeof question !== 'string' || asks(turns, question.trim())) return turns;
  throw new InputError({
    where,
    problem: `prompt and question ask for different things: ${shown(prompt)} and ${shown(question)}`,
    remedy: 'Leave one of them out, as by dataset.columns={unread: question}',
  });
}

const asks = (turns: Turns, question: string): boolean =>
  typeof turns === 'string'
    ? turns.includes(question)
    : turns.some(({ content }) => content.includes(question));

function noAnswer(row: JsonRow, side: AnswerSide, where: string): InputError {
  return new InputError({
    where,
    problem: `no column "${side}" (it has ${fieldNames(row)})`,
    remedy:
      typeof row.label === 'boolean'
        ? 'Answers with a label are for loss_type=kto or apo_zero_unpaired'
        : "A pair needs chosen and rejected; name others as dataset.columns='{chosen: COLUMN, rejected: COLUMN}'",
  });
}
