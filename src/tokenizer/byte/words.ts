/**
 * How text is cut into words before merges apply: as GPT-2 does, but every digit is a word, so that no
 * token holds two digits. White space is named by character, because the engines that read the pattern
 * (JavaScript, Oniguruma in Python's tokenizers) disagree about `\s`.
 */
export const WORD_PATTERN =
  "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+|\\p{N}| ?[^ \\t\\r\\n\\p{L}\\p{N}]+|[ \\t\\r\\n]+(?![^ \\t\\r\\n])|[ \\t\\r\\n]+";

const WORDS = new RegExp(WORD_PATTERN, 'gu');

/** The words of a text; joined they give the text back. */
export const splitWords = (text: string): string[] => text.match(WORDS) ?? [];
