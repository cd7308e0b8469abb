/** Other spellings of an answer in LaTeX: each rule changes how it is typeset, not what it says. */

export interface Rule {
  readonly name: string;
  /** The answer in another spelling, or null where the rule does not apply. */
  readonly apply: (answer: string) => string | null;
}

/** An integer, decimal or fraction, and sums and products of such: what can take a factor or sign. */
const NUMBER = /^-?\d+(?:\.\d+)?$/;
const FRACTION = /^-?\\[dt]?frac\{-?\d+\}\{\d+\}$/;

function replaced(pattern: RegExp, by: string): Rule['apply'] {
  return (answer) => {
    const other = answer.replace(pattern, by);
    return other === answer ? null : other;
  };
}

export const RULES: readonly Rule[] = [
  { name: 'dfrac', apply: replaced(/\\[tc]?frac(?![a-z])/g, '\\dfrac') },
  { name: 'tfrac', apply: replaced(/\\[dc]?frac(?![a-z])/g, '\\tfrac') },
  { name: 'frac without braces', apply: replaced(/\\frac\{(\d)\}\{(\d)\}/g, '\\frac$1$2') },
  { name: 'plain fraction', apply: replaced(/\\[dt]?frac\{(\d+)\}\{(\d+)\}/g, '($1/$2)') },
  { name: 'sqrt without braces', apply: replaced(/\\sqrt\{(\d)\}/g, '\\sqrt$1') },
  { name: 'root as power', apply: replaced(/(?<![\d\\a-z] ?)\\sqrt\{(\d+)\}/g, '$1^{1/2}') },
  { name: 'unicode root', apply: replaced(/\\sqrt\{(\d+)\}/g, '√$1') },
  { name: 'unicode signs', apply: (a) => unicode(a) },
  { name: 'thin spaces', apply: replaced(/(?<=[^\\]) /g, '\\, ') },
  { name: 'thin space before a letter', apply: replaced(/(?<=\d)(?=[a-z](?![a-z]))/g, '\\,') },
  { name: 'no spaces', apply: replaced(/(?<![a-zA-Z,\\]) (?![a-zA-Z])/g, '') },
  {
    name: 'spaces round operators',
    apply: replaced(/(?<=[\d})a-z])([+-])(?=[\d\\(a-z])/g, ' $1 '),
  },
  {
    name: 'left and right',
    apply: replaced(/(?<!\\left|[a-z])\(([^()]*)\)/g, '\\left($1\\right)'),
  },
  { name: 'without left and right', apply: replaced(/\\left|\\right/g, '') },
  {
    name: 'thousands with commas',
    apply: (a) => (/^-?\d{4,}$/.test(a) ? thousands(a, ',') : null),
  },
  { name: 'thousands with {,}', apply: (a) => (/^-?\d{4,}$/.test(a) ? thousands(a, '{,}') : null) },
  {
    name: 'thousands with \\!',
    apply: (a) => (/^-?\d{4,}$/.test(a) ? thousands(a, ',\\!') : null),
  },
  { name: 'without separators', apply: replaced(/(?<=\d)(?:,\\!|\{,\})(?=\d{3})/g, '') },
  { name: 'x =', apply: (a) => (/[=<>,]|\\in|\\text|\\mbox|[A-Z]_/.test(a) ? null : `x = ${a}`) },
  { name: 'without x =', apply: replaced(/^[a-z]\s*=\s*/, '') },
  { name: 'a unit', apply: (a) => (NUMBER.test(a) ? `${a}\\text{ units}` : null) },
  { name: 'a plain unit', apply: (a) => (NUMBER.test(a) ? `${a} apples` : null) },
  {
    name: 'without unit',
    apply: replaced(/(?<=[\d}])\s*\\(?:text|mbox)\s*\{(?!\s*and)[a-z .\s]+\}(?:\^\d)?$/, ''),
  },
  { name: 'without degrees', apply: replaced(/(?<=^[^a-z]*)(?:\^\\circ|\^\{\\circ\})/g, '') },
  { name: 'degree in braces', apply: replaced(/\^\\circ/g, '^{\\circ}') },
  { name: 'dollar sign', apply: (a) => (NUMBER.test(a) ? `\\$${a}` : null) },
  { name: 'without dollar sign', apply: replaced(/\\\$/g, '') },
  { name: 'without percent', apply: replaced(/\\%/g, '') },
  { name: 'math delimiters', apply: (a) => `$${a}$` },
  { name: 'display delimiters', apply: (a) => `\\[ ${a} \\]` },
  { name: 'boxed', apply: (a) => `The answer is $\\boxed{${a}}$.` },
  { name: 'final stop', apply: (a) => (a.endsWith('.') ? null : `${a}.`) },
  {
    name: 'decimal zeros',
    apply: (a) => (NUMBER.test(a) ? `${a}${a.includes('.') ? '0' : '.0'}` : null),
  },
  { name: 'leading zero', apply: replaced(/^0?\.(?=\d)/, '0.') },
  { name: 'minus in numerator', apply: replaced(/^-\\[dt]?frac\{(\d+)\}/, '\\frac{-$1}') },
  { name: 'fraction not reduced', apply: (a) => (FRACTION.test(a) ? tripled(a) : null) },
  { name: 'exponents in braces', apply: replaced(/\^(\d)(?!\d)/g, '^{$1}') },
  { name: 'explicit products', apply: replaced(/(?<=\d)(?=\\sqrt|\\pi)/g, ' \\cdot ') },
  { name: 'bmatrix', apply: replaced(/pmatrix/g, 'bmatrix') },
  { name: 'list in another order', apply: (a) => reversed(a) },
  { name: 'choice in brackets', apply: (a) => (/^[A-F]$/.test(a) ? `(\\text{${a}})` : null) },
  { name: 'text as plain words', apply: replaced(/^\\text\s*\{([^{}]+)\}$/, '$1') },
  { name: 'displaystyle', apply: (a) => `\\displaystyle ${a}` },
];

const UNICODE: readonly (readonly [RegExp, string])[] = [
  [/-/g, '−'],
  [/\\pi(?![a-z])/g, 'π'],
  [/\\infty/g, '∞'],
  [/\\cup/g, '∪'],
  [/\^\\circ/g, '°'],
  [/\^2(?!\d)/g, '²'],
];

function unicode(answer: string): string | null {
  const other = UNICODE.reduce((text, [pattern, by]) => text.replace(pattern, by), answer);
  return other === answer ? null : other;
}

function thousands(digits: string, separator: string): string {
  return digits.replace(/\B(?=(?:\d{3})+$)/g, () => separator);
}

function tripled(fraction: string): string {
  return fraction.replace(/\{(-?\d+)\}/g, (_, digits: string) => `{${3n * BigInt(digits)}}`);
}

/** `1, 2` → `2, 1`, outside of brackets only. */
function reversed(answer: string): string | null {
  if (/[()[\]=]|\\text|\\begin|\\\{|\\!|\{,/.test(answer) || !answer.includes(',')) return null;
  if (/\d,\d{3}(?!\d)/.test(answer)) return null;
  return answer.split(',').reverse().join(', ');
}
