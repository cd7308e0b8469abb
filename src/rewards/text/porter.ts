/**
 * Porter's stemmer: "An algorithm for suffix stripping" (1980), with the extensions of NLTK's default mode
 * (irregular words, short words in -ies and -ied, -y after a consonant), which METEOR is scored with there.
 * Linear in the length of the word.
 */

const IRREGULAR: Readonly<Record<string, string>> = {
  sky: 'sky',
  skies: 'sky',
  dying: 'die',
  lying: 'lie',
  tying: 'tie',
  news: 'news',
  innings: 'inning',
  inning: 'inning',
  outings: 'outing',
  outing: 'outing',
  cannings: 'canning',
  canning: 'canning',
  howe: 'howe',
  proceed: 'proceed',
  exceed: 'exceed',
  succeed: 'succeed',
};

/** Suffix, its replacement. The first suffix that a word ends in decides, whether its condition holds or not. */
type Rule = readonly [suffix: string, replacement: string];

const STEP_2: readonly Rule[] = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['izer', 'ize'],
  ['bli', 'ble'],
  ['alli', 'al'],
  ['entli', 'ent'],
  ['eli', 'e'],
  ['ousli', 'ous'],
  ['ization', 'ize'],
  ['ation', 'ate'],
  ['ator', 'ate'],
  ['alism', 'al'],
  ['iveness', 'ive'],
  ['fulness', 'ful'],
  ['ousness', 'ous'],
  ['aliti', 'al'],
  ['iviti', 'ive'],
  ['biliti', 'ble'],
  ['fulli', 'ful'],
  ['logi', 'log'],
];

const STEP_3: readonly Rule[] = [
  ['icate', 'ic'],
  ['ative', ''],
  ['alize', 'al'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ful', ''],
  ['ness', ''],
];

const STEP_4: readonly Rule[] = [
  ...['al', 'ance', 'ence', 'er', 'ic', 'able', 'ible', 'ant', 'ement', 'ment', 'ent', 'ion'],
  ...['ou', 'ism', 'ate', 'iti', 'ous', 'ive', 'ize'],
].map((suffix) => [suffix, '']);

/** @param word In small letters. */
export function porterStem(word: string): string {
  if (Object.hasOwn(IRREGULAR, word)) return IRREGULAR[word]!;
  const characters = [...word];
  // The rules count characters: one of two code units stands there by its second.
  const units = characters.map((character) => character.at(-1)).join('');
  if (units.length <= 2) return word;
  const steps = [plural, pastAndIng, finalY, step2, step3, step4, finalE, finalDoubleL];
  const stemmed = steps.reduce((stem, step) => step(stem), units);
  let kept = 0;
  while (kept < stemmed.length && stemmed[kept] === units[kept]) kept++;
  return characters.slice(0, kept).join('') + stemmed.slice(kept);
}

/** For each letter whether it is a vowel; y is one after a consonant. */
function vowels(word: string): boolean[] {
  const flags: boolean[] = [];
  for (let i = 0; i < word.length; i++) {
    const letter = word[i]!;
    flags.push('aeiou'.includes(letter) || (letter === 'y' && i > 0 && !flags[i - 1]));
  }
  return flags;
}

/** Number of vowel-consonant borders, the m of the paper. */
function measure(stem: string): number {
  const flags = vowels(stem);
  let count = 0;
  for (let i = 1; i < flags.length; i++) if (flags[i - 1] && !flags[i]) count++;
  return count;
}

/** Consonant, vowel, consonant other than w, x, y; or a word of vowel and consonant. */
function endsShort(word: string): boolean {
  const [a, b, c] = vowels(word).slice(-3);
  if (word.length === 2) return a === true && b === false;
  return word.length > 2 && !a && b === true && !c && !/[wxy]$/.test(word);
}

const without = (word: string, suffix: string): string =>
  word.slice(0, word.length - suffix.length);

function byRules(
  word: string,
  rules: readonly Rule[],
  holds: (stem: string, suffix: string) => boolean,
): string {
  const rule = rules.find(([suffix]) => word.endsWith(suffix));
  if (rule === undefined) return word;
  const stem = without(word, rule[0]);
  return holds(stem, rule[0]) ? stem + rule[1] : word;
}

function plural(word: string): string {
  if (word.endsWith('ies')) return word.length === 4 ? word.slice(0, -1) : word.slice(0, -2);
  if (word.endsWith('sses')) return word.slice(0, -2);
  return word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
}

function pastAndIng(word: string): string {
  if (word.endsWith('ied')) return word.length === 4 ? word.slice(0, -1) : word.slice(0, -2);
  if (word.endsWith('eed')) return measure(without(word, 'eed')) > 0 ? word.slice(0, -1) : word;
  for (const suffix of ['ed', 'ing']) {
    const stem = without(word, suffix);
    if (word.endsWith(suffix) && vowels(stem).includes(true)) return mended(stem);
  }
  return word;
}

/** What is left after -ed or -ing: -at, -bl, -iz get their e back, doubles become single, short ones an e. */
function mended(stem: string): string {
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  const last = stem.at(-1)!;
  if (stem.length >= 2 && stem.at(-2) === last && vowels(stem).at(-1) === false) {
    return 'lsz'.includes(last) ? stem : stem.slice(0, -1);
  }
  return measure(stem) === 1 && endsShort(stem) ? `${stem}e` : stem;
}

function finalY(word: string): string {
  const stem = without(word, 'y');
  const isConsonantBefore = stem.length > 1 && vowels(stem).at(-1) === false;
  return word.endsWith('y') && isConsonantBefore ? `${stem}i` : word;
}

function step2(word: string): string {
  let stem = word;
  while (stem.endsWith('alli') && measure(without(stem, 'alli')) > 0) stem = stem.slice(0, -2);
  return byRules(stem, STEP_2, (rest, suffix) =>
    suffix === 'logi' ? measure(`${rest}l`) > 0 : measure(rest) > 0,
  );
}

const step3 = (word: string): string => byRules(word, STEP_3, (stem) => measure(stem) > 0);

const step4 = (word: string): string =>
  byRules(
    word,
    STEP_4,
    (stem, suffix) => measure(stem) > 1 && (suffix !== 'ion' || /[st]$/.test(stem)),
  );

function finalE(word: string): string {
  if (!word.endsWith('e')) return word;
  const stem = word.slice(0, -1);
  const m = measure(stem);
  return m > 1 || (m === 1 && !endsShort(stem)) ? stem : word;
}

const finalDoubleL = (word: string): string =>
  word.endsWith('ll') && measure(word.slice(0, -1)) > 1 ? word.slice(0, -1) : word;
