/**
 * The prompt of a preference row, and the answers to it. Files write the prompt in a column of its own, in
 * front of each answer, or both (UltraFeedback): messages that all answers begin with, or the beginning that
 * two texts have in common, are the prompt then. The forms are those of TRL's preference data; unlike its
 * `extract_prompt`, a common text ends before a white space, so that no word is split between the two.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Message, Turns } from '../tokenizer/index.js';
import { smallest } from '../util/numbers.js';

/** `given`: a column; `shared`: what the answers begin with; `repeated`: both; `other`: both, but they differ. */
export type PromptPlace = 'given' | 'shared' | 'repeated' | 'other';

export interface AnsweredPrompt {
  readonly prompt: Turns;
  /** Without the prompt, in the order given. */
  readonly answers: readonly Turns[];
  readonly place: PromptPlace;
}

type Messages = readonly Message[];

/**
 * @param prompt The prompt's own column; null for none.
 * @param answers One answer, or the two of a pair.
 * @returns What is wrong, where there is no prompt.
 */
export function splitPrompt(
  prompt: Turns | null,
  answers: readonly Turns[],
): AnsweredPrompt | string {
  const lists = answers.filter((answer) => typeof answer !== 'string');
  if (lists.length === answers.length) return splitMessages(prompt, lists);
  if (prompt === null) {
    const texts = answers.filter((answer) => typeof answer === 'string');
    return texts.length === 2 ? sharedText(texts[0]!, texts[1]!) : NO_PROMPT;
  }
  const isRepeated =
    answers.length > 1 && typeof prompt === 'string' && answers.every(longerThan(prompt));
  if (!isRepeated) return { prompt, answers, place: 'given' };
  return {
    prompt,
    answers: answers.map((answer) => answer.slice(prompt.length)),
    place: 'repeated',
  };
}

const NO_PROMPT = 'there is no prompt';

const longerThan = (prompt: string) => (answer: Turns) =>
  typeof answer === 'string' && answer.length > prompt.length && answer.startsWith(prompt);

function splitMessages(
  prompt: Turns | null,
  answers: readonly Messages[],
): AnsweredPrompt | string {
  const common = commonMessages(answers);
  if (prompt !== null && typeof prompt !== 'string') {
    const isRepeated = beginsWith(common, prompt);
    const rest = isRepeated ? answers.map((answer) => answer.slice(prompt.length)) : answers;
    return { prompt, answers: rest, place: isRepeated ? 'repeated' : 'given' };
  }
  const areBare = answers.every(([first]) => first?.role === 'assistant');
  if (areBare) return prompt === null ? NO_PROMPT : { prompt, answers, place: 'given' };
  if (common.length === 0)
    return 'the answers begin with different messages, so there is no prompt';
  const place = prompt === null ? 'shared' : holds(common, prompt) ? 'repeated' : 'other';
  return { prompt: common, answers: answers.map((answer) => answer.slice(common.length)), place };
}

/** The messages that all answers begin with; the last one of each remains its answer. */
function commonMessages(answers: readonly Messages[]): Messages {
  const [first = [], ...others] = answers;
  const most = smallest(answers.map(({ length }) => length - 1));
  const differs = (message: Message, i: number) =>
    i >= most || others.some((other) => !isDeepStrictEqual(message, other[i]));
  const end = first.findIndex(differs);
  return first.slice(0, end);
}

const beginsWith = (messages: Messages, start: Messages): boolean =>
  start.length <= messages.length &&
  start.every((message, i) => isDeepStrictEqual(message, messages[i]));

const holds = (messages: Messages, prompt: string): boolean =>
  messages.some(({ content }) => content.trim() === prompt.trim());

function sharedText(chosen: string, rejected: string): AnsweredPrompt | string {
  const most = Math.min(chosen.length, rejected.length);
  let end = 0;
  while (end < most - 1 && chosen[end] === rejected[end]) end++;
  while (end > 0 && !isBorder(chosen, end)) end--;
  if (end === 0) return 'the answers have no beginning in common, so there is no prompt';
  const answers = [chosen.slice(end), rejected.slice(end)];
  return { prompt: chosen.slice(0, end), answers, place: 'shared' };
}

/** Whether a white space begins here, behind text that ends with none. */
const isBorder = (text: string, at: number): boolean =>
  /\s/.test(text[at]!) && !/\s/.test(text[at - 1]!);
