/**
 * A conversation as text, with the spans that the assistant writes. Spans come from rendering the
 * conversation up to each assistant turn: what training sees before a turn is what generation sees.
 */
import { GuardError, InputError } from '../util/errors.js';
import type { Message } from './messages.js';
import type { Tokenizer } from './tokenizer.js';

/** Text with the parts that the assistant wrote, in order; character offsets, end excluded. */
export interface MarkedText {
  readonly text: string;
  readonly turns: readonly TextSpan[];
  /** Parts of turns that are context; ascending, apart from each other. */
  readonly untrained?: readonly TextSpan[];
  /** Whether the tokenizer should put BOS in front, if it is one that does. */
  readonly isPlain: boolean;
}

export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

export interface ConversationOptions {
  /** Assistant turns before this message are context, not turns to learn. Default 0. */
  readonly firstTurn?: number;
  /** Roles whose turns are to learn. Default: the assistant. */
  readonly roles?: readonly string[];
  /** Learn everything from `firstTurn` on, as one turn, whoever writes it; default false. */
  readonly isWhole?: boolean;
  readonly templateArgs?: Readonly<Record<string, unknown>> | undefined;
  /** Where the row stands, for messages. */
  readonly where: string;
}

/**
 * @throws GuardError when the chat template writes earlier turns, or the opening of an assistant turn,
 * otherwise than generation would see them; InputError on a `weight` that is not 0 or 1.
 */
export function renderConversation(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  options: ConversationOptions,
): MarkedText {
  const {
    firstTurn = 0,
    roles = ['assistant'],
    isWhole = false,
    templateArgs = {},
    where,
  } = options;
  const render = (some: readonly Message[], addGenerationPrompt: boolean): string =>
    tokenizer.applyChatTemplate(some, { addGenerationPrompt, templateArgs });
  const text = render(messages, false);
  const endings = tokenizer.eosIds.map((id) => tokenizer.decode([id]));
  const context: Rendering = { text, messages, endings, render, where };
  if (isWhole) {
    const start = firstTurn === 0 ? 0 : startOf(context, firstTurn);
    return { text, turns: [{ start, end: text.length }], isPlain: false };
  }
  const turns: TextSpan[] = [];
  for (let i = firstTurn; i < messages.length; i++) {
    const { role, content } = messages[i]!;
    if (!roles.includes(role) || !isLearnt(messages[i]!, `${where}: messages[${i}]`)) continue;
    if (role !== 'assistant' && content.trim() === '') continue;
    turns.push(role === 'assistant' ? turnSpan(context, i) : contentSpan(context, i));
  }
  return { text, turns, isPlain: false };
}

/** In OpenAI's files a message of weight 0 is context. @throws InputError on a weight that is not 0 or 1. */
export function isLearnt({ weight }: Message, where: string): boolean {
  if (weight === undefined || weight === null || weight === 1) return true;
  if (weight === 0) return false;
  throw new InputError({ where, problem: `weight is ${JSON.stringify(weight)}, expected 0 or 1` });
}

interface Rendering {
  readonly text: string;
  readonly messages: readonly Message[];
  /** Texts of the tokens that end a generation. */
  readonly endings: readonly string[];
  readonly render: (messages: readonly Message[], addGenerationPrompt: boolean) => string;
  readonly where: string;
}

function turnSpan(context: Rendering, index: number): TextSpan {
  const { text, messages } = context;
  const start = startOf(context, index);
  if (index === messages.length - 1) return { start, end: text.length };
  const end = prefixLength(context, index + 1);
  if (end === null || end < start) throw rewritten(context, index);
  return { start, end };
}

/** Where a turn begins: that of the assistant behind its header, which generation is given. */
function startOf(context: Rendering, index: number): number {
  const { text, messages, render } = context;
  const before = messages.slice(0, index);
  if (messages[index]!.role === 'assistant') {
    const prompt = render(before, true);
    if (text.startsWith(prompt)) return prompt.length;
  } else {
    const length = prefixLength(context, index);
    if (length !== null) return length;
  }
  throw rewritten(context, index);
}

/** From the content of a message that the model does not write itself to the end of its turn. */
function contentSpan(context: Rendering, index: number): TextSpan {
  const { text, messages } = context;
  const start = startOf(context, index);
  const end = prefixLength(context, index + 1);
  if (end === null) throw rewritten(context, index);
  const at = text.indexOf(messages[index]!.content.trim(), headerEnd(context, index, start));
  if (at >= 0 && at < end) return { start: at, end };
  throw new GuardError({
    where: context.where,
    problem: `the chat template does not write turn ${index + 1} (${messages[index]!.role}) as it stands`,
    remedy: 'Take its role out of roles_to_train',
  });
}

/** A character of private use, which no text begins with. */
const MARK = '\uE000';

/** Where a turn that begins at `start` reads otherwise once its content does: its header may hold the same words. */
function headerEnd({ text, messages, render }: Rendering, index: number, start: number): number {
  const marked = render(
    [...messages.slice(0, index), { ...messages[index]!, content: MARK }],
    false,
  );
  let end = start;
  while (end < text.length && text[end] === marked[end]) end++;
  return end;
}

/**
 * Length of the first `count` messages within the whole text, or null where they read otherwise there.
 * Some templates (Phi-3) end every rendering with EOS: that ending is no part of the prefix.
 */
function prefixLength(
  { text, messages, endings, render }: Rendering,
  count: number,
): number | null {
  const alone = render(messages.slice(0, count), false);
  if (text.startsWith(alone)) return alone.length;
  const ending = endings.find((end) => end !== '' && alone.endsWith(end));
  const shorter = ending === undefined ? alone : alone.slice(0, -ending.length);
  return text.startsWith(shorter) ? shorter.length : null;
}

function rewritten(context: Rendering, index: number): GuardError {
  for (let count = 1; count <= index + 1 && count < context.messages.length; count++) {
    if (context.messages[count - 1]!.role === 'system') continue;
    if (prefixLength(context, count) !== null) continue;
    const { role } = context.messages[count - 1]!;
    return new GuardError({
      where: context.where,
      problem: `the chat template rewrites turn ${count} (${role}) once later turns follow`,
      remedy:
        'Make one row of each assistant turn, or set a chat template that keeps earlier turns',
    });
  }
  return new GuardError({
    where: context.where,
    problem: `the chat template opens turn ${index + 1} (assistant) otherwise than its generation prompt`,
    remedy: 'Set a chat template whose generation prompt begins the assistant turn',
  });
}
