/**
 * Forms of problem rows, brought to one: `question`, `reasoning` (the worked solution) and `answer` (the
 * final answer alone); other columns stay. GSM8K's form is described in Cobbe et al. 2021,
 * arXiv 2110.14168: a worked solution with `<<48/2=24>>` calculator marks and a last line `#### 72`.
 */
import { extractBoxed } from '../util/boxed.js';
import type { JsonRow } from '../util/files.js';
import { fieldNames } from '../util/shown.js';
import { chatForm } from './chat-forms.js';

export type ProblemRow = JsonRow & {
  readonly question: string;
  readonly reasoning: string;
  readonly answer: string;
};

/** The row in the common form, or what is wrong with it. */
export type RowFormat = (row: JsonRow) => JsonRow | string;

const MARK = '####';

/** A number of GSM8K: commas and a dollar sign are dropped; null when nothing else is left than a number. */
function plainNumber(text: string): string | null {
  const number = text.replace(/[,$]/g, '').trim();
  return /^-?(?:\d+(?:\.\d+)?|\.\d+)$/.test(number) ? number : null;
}

/** "48/2 = <<48/2=24>>24" → "48/2 = 24". */
const withoutCalculatorMarks = (text: string): string => text.replace(/<<[^<>]*>>/g, '');

/**
 * A row with `question` and `answer: "<working>\n#### N"`; or with the working in `solution` and the
 * bare number in `answer`.
 */
export function normaliseGsm8k(row: JsonRow): ProblemRow | string {
  const { question, answer, solution, ...rest } = row;
  if (typeof question !== 'string') return missing('question', row);
  if (typeof answer !== 'string') return missing('answer', row);
  const working = answer.includes(MARK) ? answer : solution;
  if (typeof working !== 'string') return `its answer has no "${MARK} N"`;
  const at = working.lastIndexOf(MARK);
  const last = answer.includes(MARK) ? working.slice(at + MARK.length) : answer;
  const number = plainNumber(last);
  if (number === null) return `its final answer "${last.trim().slice(0, 40)}" is not a number`;
  const text = at < 0 ? working : working.slice(0, at);
  const reasoning = withoutCalculatorMarks(text).trim();
  return { ...rest, question, reasoning, answer: number };
}

/** A row of MATH: `problem`, `solution`, and `answer` or the last `\boxed{}` of the solution. */
export function normaliseMath(row: JsonRow): ProblemRow | string {
  const { problem, solution, answer, ...rest } = row;
  if (typeof problem !== 'string') return missing('problem', row);
  if (typeof solution !== 'string') return missing('solution', row);
  const final = typeof answer === 'string' ? answer : extractBoxed(solution);
  if (final === null) return 'its solution has no \\boxed{} answer';
  return { ...rest, question: problem, reasoning: solution, answer: final };
}

/** A competition's row: `problem` or `question`, and an `answer` that may be a number (27.0 is 27). */
export function normaliseCompetition(row: JsonRow): ProblemRow | string {
  const { problem, question = problem, answer, solution, ...rest } = row;
  if (typeof question !== 'string') return missing('problem', row);
  const isAnswer = typeof answer === 'string' || typeof answer === 'number';
  if (!isAnswer) return missing('answer', row);
  const reasoning = typeof solution === 'string' ? solution : '';
  return { ...rest, question, reasoning, answer: String(answer).replace(/^(-?\d+)\.0+$/, '$1') };
}

/**
 * A row of OlympiadBench: several final answers become one list, `error` is the absolute tolerance and
 * becomes `precision`.
 */
export function normaliseOlympiadBench(row: JsonRow): ProblemRow | string {
  const { question, solution, final_answer: answers, error, ...rest } = row;
  if (typeof question !== 'string') return missing('question', row);
  if (!Array.isArray(answers) || answers.length === 0) return missing('final_answer', row);
  const reasoning = Array.isArray(solution) ? solution.join('\n') : '';
  const precision = Number(error);
  const hasPrecision = error !== null && error !== '' && Number.isFinite(precision);
  const answer = answers.map((one) => String(one).replace(/^\$|\$$/g, '')).join(', ');
  return { ...rest, question, reasoning, answer, ...(hasPrecision && { precision }) };
}

/** A row of OpenMathReasoning: `problem`, `generated_solution`, `expected_answer`. */
function normaliseOpenMath(row: JsonRow): ProblemRow | string {
  const { generated_solution: solution, expected_answer: answer, ...rest } = row;
  if (typeof solution !== 'string') return missing('generated_solution', row);
  if (typeof answer !== 'string') return missing('expected_answer', row);
  return normaliseMath({ ...rest, solution, answer });
}

/**
 * Rows whose answer has GSM8K's last line are taken as such, conversations and instructions as what they
 * are; all others stay as they are.
 */
function automatic(row: JsonRow): JsonRow | string {
  const { answer } = row;
  const isGsm8k = typeof answer === 'string' && /^####\s*\S/m.test(answer);
  return isGsm8k ? normaliseGsm8k(row) : chatForm(row);
}

function missing(column: string, row: JsonRow): string {
  return `no text in column "${column}" (it has ${fieldNames(row)})`;
}

/** How rows are read; names stand in configs. */
export const ROW_FORMATS = {
  auto: automatic,
  plain: (row) => row,
  gsm8k: normaliseGsm8k,
  math: normaliseMath,
  competition: normaliseCompetition,
  olympiadbench: normaliseOlympiadBench,
  openmath: normaliseOpenMath,
} as const satisfies Record<string, RowFormat>;

export type RowFormatName = keyof typeof ROW_FORMATS;
