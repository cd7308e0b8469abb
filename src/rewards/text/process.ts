/**
 * RapidFuzz's `default_process`, and its notion of a word. Differences: letters that entered Unicode after
 * version 13 are letters here.
 */

/**
 * Whatever is no letter and no digit becomes a space, letters become small one by one (so a final capital
 * sigma becomes σ, and İ becomes i), and the ends are trimmed.
 * @example defaultProcess("C'est la vie") // "c est la vie"
 */
export function defaultProcess(text: string): string {
  return text
    .replace(/[^\p{L}\p{N}]/gu, ' ')
    .replaceAll('İ', 'i')
    .replaceAll('Σ', 'σ')
    .toLowerCase()
    .trim();
}

/**
 * White space of Python's `str.split()`; JavaScript's `\s` differs by a few characters. RapidFuzz's own differs by
 * U+0085 and U+00A0 in texts of Latin-1 alone, which its scorers do not part there.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: Python counts the separators 1C to 1F as space.
const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** As Python's `str.rstrip()`. */
export function trimmedAtEnd(text: string): string {
  let end = text.length;
  while (end > 0 && SPACES.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

export function wordsOf(text: string): string[] {
  return text.split(SPACES).filter((word) => word !== '');
}

/** Sorted by code points, as Python sorts. */
export function sortedWords(words: Iterable<string>): string[] {
  const list = [...words];
  return list.some((word) => /[\ud800-\udfff]/.test(word)) ? list.sort(byCodePoint) : list.sort();
}

function byCodePoint(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; ) {
    const left = a.codePointAt(i)!;
    const right = b.codePointAt(i)!;
    if (left !== right) return left - right;
    i += left > 0xffff ? 2 : 1;
  }
  return a.length - b.length;
}
