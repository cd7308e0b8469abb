/**
 * Rewards that compare an answer with the row's gold answer. Each finds the answer in its own way; where a
 * text gives several answers, the last one counts, and only that one.
 */
import { extractBoxed } from '../../util/boxed.js';
import { goldOf } from '../correctness.js';
import { behindLast } from '../last-match.js';
import { mathEquivalent } from '../math/equivalence.js';
import { lastNumber, numbersEqual, parseNumber } from '../numbers.js';
import type { RewardFactory } from '../reward.js';

/** The last number of the completion is the gold number, with a word like "million" behind it or without, within `tolerance` (absolute, default 0). */
export const numericReward: RewardFactory = ({ settings }) => {
  const tolerance = settings.number('tolerance', 0, [0, Number.MAX_VALUE]);
  return (completion, row) => {
    const gold = goldOf(row);
    const wanted = gold === null ? null : parseNumber(gold);
    if (gold === null || wanted === null) return null;
    const isRight = (answer: string): boolean => {
      const value = parseNumber(answer);
      return value !== null && Math.abs(value - wanted) <= tolerance;
    };
    const readings = lastNumber(completion);
    return readings.some((answer) => numbersEqual(answer, gold) || isRight(answer)) ? 1 : 0;
  };
};

/** The content of the last `\boxed{}` is mathematically equal to the gold answer. */
export const boxedReward: RewardFactory = () => {
  return (completion, row) => {
    const gold = goldOf(row);
    if (gold === null) return null;
    const answer = extractBoxed(completion);
    return answer !== null && mathEquivalent({ gold, prediction: answer }) ? 1 : 0;
  };
};

/** `(B)`, `B)`, `B.`, `**B**` or `B` alone, at the end or after "answer is" or "answer:". */
const LETTER = /^[\s*_("'[{$]*([A-Z])[\s*_)"'\].!:}$]*(?:$|\n)/;
/** Such a letter, marked as a choice, where text follows: `(B) 27`, `B) Paris`, `B. This is why`. */
const MARKED = /^[\s*_("'[{$]*([A-Z])(?:[)\]}$]|\*\*|[.:](?=[\s*]))(?![A-Za-z0-9])/;
/** Signs of mathematics and fonts round a letter. */
const DRESS = /\\(?:[()[\]]|(?:text|math)(?:bf|it|rm|sf|tt|up|normal)?\s*(?=\{))/g;
const PHRASE = /\b(?:answer|choice|option)\b(?:\s+is)?\s*:?\s*/gi;
const STATEMENT = /<answer>|\b(?:answer|choice|option)\b[*_]*\s*(?:is\b|:)\s*:?\s*/gi;
const [CLOSING, RUN_ON] = (() => {
  const letter = String.raw`[*_("'[{$]*(?:(?:[Oo]ption|[Cc]hoice|[Aa]nswer)\s+)?[*_("'[{$]*([A-Z])[*_)"'\]}$]*`;
  const connective = String.raw`\b(?:[Ss]o|[Tt]hus|[Tt]herefore|[Hh]ence),?\s+`;
  const chosen = String.raw`I\s+(?:choose|pick|select)\s+${letter}`;
  const named = String.raw`${letter}\s+is\s+(?:the|my)\s+(?:(?:final|correct|right|best)\s+)?(?:answer|choice|option)`;
  const end = String.raw`(?:${chosen}|${named})[\s*_"')\].!]*$`;
  const begin = String.raw`(?:^[\s*_>-]*|(?<=(?:[A-Za-z]{3}|[\d)}\]$*])[.!]["')*_]*)\s+)`;
  return [
    /** A last sentence that chooses: "So B is the answer.", "I choose (B)". An article ends no sentence and is no subject. */
    new RegExp(`${begin}(?:${connective})?${end}`),
    /** The same as the end of a sentence: "It has two roots, so B is the answer". */
    new RegExp(String.raw`(?<![Ii]f\s+)${connective}${end}`),
  ];
})();
const LAST_LINE = 200;

/**
 * The chosen letter equals the gold letter: of the last `\boxed{}`, else of a last sentence that chooses, else after
 * the last "answer is", else of the last line, when it holds nothing but a letter or ends with "so B is the answer". Text
 * may follow a letter in a box or after "answer is" that is marked as a choice, where it names no other.
 * @example choice on "… so the answer is (B)." against B scores 1; "A, B, C, D" scores 0
 */
export const choiceReward: RewardFactory = () => {
  return (completion, row) => {
    const gold = goldOf(row)?.trim().toUpperCase() ?? null;
    if (gold === null || !/^[A-Z]$/.test(gold)) return null;
    return chosenLetter(completion) === gold ? 1 : 0;
  };
};

function chosenLetter(completion: string): string | null {
  const boxed = extractBoxed(completion);
  if (boxed !== null) return letterBefore(boxed);
  const tail = completion.trimEnd();
  const lastLine = tail.slice(Math.max(tail.lastIndexOf('\n') + 1, tail.length - LAST_LINE));
  const closing = letterOf(CLOSING, lastLine);
  if (closing !== null) return closing;
  const alone = letterIn(behindLast(completion, PHRASE)?.slice(0, LAST_LINE) ?? lastLine);
  if (alone !== null) return alone;
  const stated = behindLast(completion, STATEMENT);
  return stated === null ? letterOf(RUN_ON, lastLine) : letterBefore(stated);
}

function letterOf(sentence: RegExp, line: string): string | null {
  const [, chosen, named] =
    sentence.exec(line.replace(DRESS, '').replace(/<\/?answer>/g, '')) ?? [];
  return chosen ?? named ?? null;
}

const letterIn = (text: string): string | null => LETTER.exec(text)?.[1] ?? null;

/** A letter alone, or one that is marked, before text that takes nothing back. */
function letterBefore(text: string): string | null {
  const [inside = ''] = text.replace(DRESS, '').split('</answer>', 1);
  const alone = letterIn(inside);
  if (alone !== null) return alone;
  const [mark, letter] = MARKED.exec(inside) ?? [];
  if (mark === undefined || letter === undefined) return null;
  return isRevoked(inside.slice(mark.length), letter) ? null : letter;
}

/** Another letter beside it, or in the place of one. */
const BESIDE = /^[^A-Za-z0-9]*[A-Z](?![A-Za-z'])(?!\s+[a-z])/;
const JOINED =
  /\b(?:or|and|nor|vs)\b[^A-Za-z0-9]{0,4}(?:[a-z]+\s+){0,2}[^A-Za-z0-9]{0,4}[A-Z](?![A-Za-z0-9'])/;
const LISTED = /(?<![A-Za-z0-9])([A-Z])(?:[)\]},;!?]|\*\*|[.:](?=\s|$)|$)/g;
const DOUBT = /^[^A-Za-z0-9]*\?|\b(?:wait|actually|correction|second thought)\b/i;

/** Whether what follows a letter names another choice as well, or doubts it. */
function isRevoked(rest: string, letter: string): boolean {
  if (BESIDE.test(rest) || JOINED.test(rest) || DOUBT.test(rest)) return true;
  return [...rest.matchAll(LISTED)].some(([, other]) => other !== letter);
}
