/**
 * Tokens of a normalised answer. Words of plain text ("sqrt", "pi", "and") become the commands of
 * the same meaning; other words of four letters and more stay one name; shorter ones are products of
 * letters.
 */
import { UnreadableAnswer } from './syntax.js';

export interface Token {
  /** `prefixed`: 0x1F, 0b101; `op` also holds brackets; `command` is the name without its backslash. */
  readonly kind: 'number' | 'prefixed' | 'letter' | 'word' | 'command' | 'op' | 'text' | 'end';
  readonly text: string;
  /** White space stands before it. */
  readonly spaced: boolean;
}

/** Text that joins items, as a comma does. */
export const isJointText = ({ kind, text }: Token): boolean =>
  kind === 'text' && /^(?:and|or|,|, and|, or)$/i.test(text);

const MAX_TOKENS = 2000;

const WORDS: ReadonlySet<string> = new Set(
  (
    'sin cos tan cot sec csc arcsin arccos arctan asin acos atan sinh cosh tanh log ln lg exp sqrt cbrt ' +
    'pi abs infinity infty inf and or union cup cap min max gcd lcm floor ceil in times degrees degree theta ' +
    'alpha beta gamma lambda mu sigma omega phi'
  ).split(' '),
);
/** Commands that are another one, with a backslash or as a word. */
const COMMAND_ALIASES: ReadonlyMap<string, string> = new Map([
  ['lg', 'log'],
  ['asin', 'arcsin'],
  ['acos', 'arccos'],
  ['atan', 'arctan'],
]);
/** Words that are a command of another name. */
const ALIASES: Readonly<Record<string, string>> = {
  infinity: 'infty',
  inf: 'infty',
  union: 'cup',
  degrees: 'degree',
};
const PREFIXED = /0(?:[xX][\dA-Fa-f]+|[bB][01]+|[oO][0-7]+)(?![\dA-Za-z.])/y;
const NUMBER =
  /\d+(?:\.\d*)?(?:[eE][+-]?\d+(?![\dA-Za-z.]))?|\.\d+(?:[eE][+-]?\d+(?![\dA-Za-z.]))?/y;
const GROUPED = /\d{1,3}(?:(?:,\d{3})+|(?: \d{3})+)(?![\d,]*\d)(?:\.\d+)?/y;
const COMMAND = /\\([a-zA-Z]+|.)/y;
const LETTERS = /[a-zA-Z]+/y;
const TEXT = /\\(?:text|mathrm|operatorname)\s*\{([^{}]*)\}/y;
const OPERATOR = /<=|>=|!=|==|\*\*|[-+*/^_=<>|!%,;:&()[\]{}']/y;

/**
 * @param grouped - whether "1,234" and "1 234" outside of brackets are one number
 * @throws UnreadableAnswer on a sign that is in no answer, and beyond 2,000 tokens
 */
export function tokenize(text: string, { grouped }: { readonly grouped: boolean }): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let depth = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  while (at < text.length) {
    const spaced = text[at] === ' ';
    if (spaced) at += 1;
    if (at >= text.length) break;
    const [found, made] = next(match, grouped && depth === 0);
    at += found.length;
    depth += depthChange(made[0]);
    tokens.push(...made.map((token, i) => ({ ...token, spaced: i === 0 && spaced })));
    if (tokens.length > MAX_TOKENS) throw new UnreadableAnswer('too many tokens');
  }
  return tokens;
}

type Bare = Omit<Token, 'spaced'>;
type Match = (pattern: RegExp) => RegExpExecArray | null;

function next(match: Match, grouped: boolean): readonly [string, readonly Bare[]] {
  const prefixed = match(PREFIXED);
  if (prefixed !== null) return [prefixed[0], [{ kind: 'prefixed', text: prefixed[0] }]];
  const number = (grouped ? match(GROUPED) : null) ?? match(NUMBER);
  if (number !== null) {
    const isGroup = /^0\d\d(?!\d)/.test(number[0]);
    if (isGroup && /(?<!\d)\d{1,3},$/.test(number.input.slice(0, number.index)))
      throw new UnreadableAnswer('a part of a number as an item');
    return [number[0], [{ kind: 'number', text: number[0].replace(/[, ]/g, '') }]];
  }
  const text = match(TEXT);
  if (text !== null) return [text[0], textTokens(text[1] ?? '', text[0])];
  const command = match(COMMAND);
  if (command !== null) return [command[0], [commandToken(command[1] ?? '')]];
  const letters = match(LETTERS);
  if (letters !== null) return [letters[0], wordTokens(letters[0])];
  const operator = match(OPERATOR);
  if (operator !== null) return [operator[0], [{ kind: 'op', text: operator[0] }]];
  throw new UnreadableAnswer('a sign that is in no answer');
}

const commandToken = (name: string): Bare => ({
  kind: 'command',
  text: COMMAND_ALIASES.get(name) ?? name,
});

/** `\text{13}` is 13, `\mathrm{B}` the letter B; other contents are units or prose. */
function textTokens(content: string, source: string): readonly Bare[] {
  const inner = content.trim();
  if (/^\d+$/.test(inner)) return [{ kind: 'number', text: inner }];
  if (!source.startsWith('\\text') && inner.length <= 1) {
    return inner === '' ? [] : [{ kind: 'letter', text: inner }];
  }
  if (source.startsWith('\\operatorname') && /^[a-z]+$/.test(inner)) {
    return [commandToken(inner)];
  }
  return [{ kind: 'text', text: inner }];
}

function wordTokens(word: string): readonly Bare[] {
  if (WORDS.has(word)) return [commandToken(ALIASES[word] ?? word)];
  if (word.length >= 4) return [{ kind: 'word', text: word }];
  return [...word].map((text) => ({ kind: 'letter', text }));
}

function depthChange(token: Bare | undefined): number {
  if (token === undefined || (token.kind !== 'op' && token.kind !== 'command')) return 0;
  if (['(', '[', '{'].includes(token.text)) return 1;
  return [')', ']', '}'].includes(token.text) ? -1 : 0;
}
