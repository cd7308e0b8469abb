/**
 * Rows as text. A row is `{ messages }`, `{ prompt, completion }` (texts, or lists of messages) or
 * `{ text }`. Lists of messages go through the chat template, or through `prompt_template` when one is
 * given; a text prompt is taken as it stands, or put into `prompt_template`.
 */
import { InputError } from '../util/errors.js';
import { fieldNames } from '../util/shown.js';
import { isLearnt, type MarkedText, renderConversation } from './chat-text.js';
import type { TrainOn } from './loss-mask.js';
import {
  asMessages,
  asTurns,
  type ChatRow,
  KNOWN_ROLES,
  type Message,
  type Turns,
  withSystem,
} from './messages.js';
import { fillTemplate, singlePrompt } from './prompt-template.js';
import type { Tokenizer } from './tokenizer.js';

export interface RenderOptions {
  /** Text with `{prompt}` and optionally `{system}`; takes the place of the chat template. */
  readonly promptTemplate?: string | undefined;
  /** System message for rows that bring none. */
  readonly systemPrompt?: string | undefined;
  /** Further variables of the chat template, e.g. `enable_thinking`. */
  readonly templateArgs?: Readonly<Record<string, unknown>> | undefined;
  /** File and line of the row, for messages. */
  readonly where?: string;
}

export interface RenderExampleOptions extends RenderOptions {
  /**
   * What the loss covers. Default `assistant`; a `text` row is always trained whole. With `last`, earlier
   * turns are context, and the chat template may write them otherwise than when they were generated.
   */
  readonly trainOn?: TrainOn;
  /** Leaves the output of tools out of the loss, in the parts that are learnt; default false. */
  readonly maskToolOutput?: boolean;
  /** Roles whose turns count as learnt, beside `trainOn`; default the assistant alone. */
  readonly roles?: readonly string[];
}

/** The whole row as text, with the turns to learn. */
export function markedRow(
  tokenizer: Tokenizer,
  row: ChatRow,
  options: RenderExampleOptions,
): MarkedText {
  const { where = 'row' } = options;
  if (row.messages !== undefined) {
    const messages = asMessages(row.messages, `${where}: messages`);
    if (options.promptTemplate === undefined) {
      return markedChat(tokenizer, { context: [], learnt: messages }, options);
    }
    const answer = lastAnswer(messages, where);
    const prompt = promptText(tokenizer, messages.slice(0, -1), options);
    return answered(prompt, answer, `${where}: messages[${messages.length - 1}]`);
  }
  if (row.prompt === undefined || row.completion === undefined) {
    throw new InputError({
      where,
      problem: `needs messages, prompt and completion, or text; found ${fieldNames(row)}`,
    });
  }
  const prompt = asTurns(row.prompt, `${where}: prompt`);
  const completion = asTurns(row.completion, `${where}: completion`);
  return markedPair(tokenizer, { prompt, completion }, options);
}

interface Pair {
  readonly prompt: Turns;
  readonly completion: Turns;
}

function markedPair(
  tokenizer: Tokenizer,
  { prompt, completion }: Pair,
  options: RenderExampleOptions,
): MarkedText {
  const { where = 'row', promptTemplate } = options;
  const learnt: readonly Message[] =
    typeof completion === 'string' ? [{ role: 'assistant', content: completion }] : completion;
  const answer = onlyAnswer(learnt);
  if (answer !== null && (typeof prompt === 'string' || promptTemplate !== undefined)) {
    return answered(promptText(tokenizer, prompt, options), answer, `${where}: completion[0]`);
  }
  if (typeof prompt === 'string' || (answer === null && promptTemplate !== undefined)) {
    throw new InputError({
      where,
      problem: 'a completion of several messages needs a prompt of messages and a chat template',
    });
  }
  return markedChat(tokenizer, { context: prompt, learnt }, options);
}

/** A completion that is one assistant message, else null. */
function onlyAnswer(completion: readonly Message[]): Message | null {
  const [first] = completion;
  return completion.length === 1 && first?.role === 'assistant' ? first : null;
}

/** The message that a row teaches to write. */
function lastAnswer(messages: readonly Message[], where: string): Message {
  const answer = messages.at(-1)!;
  if (answer.role === 'assistant') return answer;
  throw new InputError({
    where,
    problem: `the last message is from "${answer.role}", so there is no answer to learn`,
    remedy: KNOWN_ROLES.has(answer.role)
      ? 'End the messages with an assistant turn'
      : `The roles of messages are ${[...KNOWN_ROLES].join(', ')}`,
  });
}

interface Chat {
  /** Messages whose assistant turns are not learnt. */
  readonly context: readonly Message[];
  readonly learnt: readonly Message[];
}

function markedChat(
  tokenizer: Tokenizer,
  { context, learnt }: Chat,
  { systemPrompt, templateArgs, trainOn, roles, where = 'row' }: RenderExampleOptions,
): MarkedText {
  lastAnswer(learnt, where);
  const messages = withSystem([...context, ...learnt], systemPrompt);
  const added = trainOn === 'last' ? 1 : learnt.length;
  return renderConversation(tokenizer, messages, {
    firstTurn: trainOn === 'all' ? 0 : messages.length - added,
    isWhole: trainOn === 'completion' || trainOn === 'all',
    templateArgs,
    where,
    ...(roles !== undefined && { roles }),
  });
}

interface PromptText {
  readonly text: string;
  readonly isPlain: boolean;
}

function answered({ text, isPlain }: PromptText, answer: Message, where: string): MarkedText {
  const whole = text + answer.content;
  const turn = { start: text.length, end: whole.length };
  return { text: whole, turns: isLearnt(answer, where) ? [turn] : [], isPlain };
}

/** The prompt as text, ending where the model begins to write. */
export function promptText(
  tokenizer: Tokenizer,
  prompt: Turns,
  { promptTemplate, systemPrompt, templateArgs = {}, where = 'row' }: RenderOptions,
): PromptText {
  if (promptTemplate !== undefined) {
    const fields =
      typeof prompt === 'string'
        ? { prompt, system: systemPrompt }
        : singlePrompt(withSystem(prompt, systemPrompt), where);
    return { text: fillTemplate(promptTemplate, fields), isPlain: true };
  }
  if (typeof prompt === 'string') {
    if (systemPrompt === undefined) return { text: prompt, isPlain: true };
    throw new InputError({
      where,
      problem: 'a plain prompt has no place for the system prompt',
      remedy: 'Use messages, or set prompt_template with {system}',
    });
  }
  const messages = withSystem(prompt, systemPrompt);
  if (messages.at(-1)!.role === 'assistant') {
    throw new InputError({ where, problem: 'the prompt ends with an assistant turn' });
  }
  const text = tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true, templateArgs });
  return { text, isPlain: false };
}
