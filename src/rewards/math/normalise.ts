/**
 * One spelling for what LaTeX and plain text write in several ways: spaces, sizes of fractions and
 * brackets, thousands separators, unicode signs, math delimiters. Nothing here changes a value. Each
 * replacement is linear in the length of the text. Letters of other alphabets that look like Latin
 * ones stay what they are.
 */

const SIGNS: Readonly<Record<string, string>> = {
  '−': '-',
  '–': '-',
  '﹣': '-',
  '－': '-',
  '＋': '+',
  '×': '\\times ',
  '⋅': '\\cdot ',
  '·': '\\cdot ',
  '∙': '\\cdot ',
  '÷': '\\div ',
  '±': '\\pm ',
  '∓': '\\mp ',
  π: '\\pi ',
  θ: '\\theta ',
  α: '\\alpha ',
  β: '\\beta ',
  γ: '\\gamma ',
  λ: '\\lambda ',
  φ: '\\phi ',
  ω: '\\omega ',
  '∞': '\\infty ',
  '≤': '\\le ',
  '⩽': '\\le ',
  '≥': '\\ge ',
  '⩾': '\\ge ',
  '≠': '\\ne ',
  '≈': '\\approx ',
  '∈': '\\in ',
  '∪': '\\cup ',
  '∩': '\\cap ',
  '∖': '\\setminus ',
  '∅': '\\emptyset ',
  ℝ: '\\mathbb{R}',
  '°': '\\degree ',
  º: '\\degree ',
  '˚': '\\degree ',
  '′': "'",
  '’': "'",
  '％': '%',
  '¢': '\\text{ cents}',
  '，': ',',
  '⟨': '\\langle ',
  '⟩': '\\rangle ',
  '⁄': '/',
  '∕': '/',
  '∶': ':',
};
const SIGN = new RegExp(`[${Object.keys(SIGNS).join('')}]`, 'gu');
const THOUSANDS = /(?<=\d)(?:\{,\}|,(?:\s|\\[,;: ]){0,4}\\!)(?:\s|\\[,!;: ]){0,4}(?=\d{3})/g;
const ROOTS: Readonly<Record<string, string>> = {
  '√': '\\sqrt',
  '∛': '\\sqrt[3]',
  '∜': '\\sqrt[4]',
};
const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const SUBSCRIPTS = '₀₁₂₃₄₅₆₇₈₉';

const REPLACEMENTS: readonly (readonly [RegExp, string])[] = [
  [/\\[lr]?(?:dollar|\$)|\$|\\[()[\]]|[£€¥]/g, ' '],
  [/\\(?:text|mbox)?(?:style)?(?:display|script|scriptscript)style\b/g, ' '],
  [/\\(?:[dtcs]|nice)frac(?![a-zA-Z])/g, '\\frac'],
  [/\\[dt]binom(?![a-zA-Z])/g, '\\binom'],
  [/\\left\s*\|/g, '\\lvert '],
  [/\\right\s*\|/g, '\\rvert '],
  [/\\(?:left|right|middle|[bB]igg?[lrm]?)(?![a-zA-Z])\s*\.?/g, ''],
  [/\\(?:[,!;:> ]|(?:quad|qquad|thinspace|hfill|limits|nolimits)(?![a-zA-Z]))|~/g, ' '],
  [/\\[hv]?phantom(?![a-zA-Z])\s*(?:\{[^{}]*\}|[^{}\\])/g, ' '],
  [/\\(?:hspace|vspace)\*?\{[^{}]*\}/g, ' '],
  [/\\%/g, '%'],
  [/\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-zA-Z]))/g, '\\degree '],
  [/\\(?:leq|leqslant)(?![a-zA-Z])/g, '\\le '],
  [/\\(?:geq|geqslant)(?![a-zA-Z])/g, '\\ge '],
  [/\\neq(?![a-zA-Z])/g, '\\ne '],
  [/\\(?:backslash|smallsetminus)(?![a-zA-Z])/g, '\\setminus '],
  [/\\(?:varnothing)(?![a-zA-Z])/g, '\\emptyset '],
  [/\\(?:lbrace)(?![a-zA-Z])/g, '\\{'],
  [/\\(?:rbrace)(?![a-zA-Z])/g, '\\}'],
  [/\\(?:textbf|textit|textrm|textnormal|textsf|texttt|mbox|hbox)(?![a-zA-Z])/g, '\\text'],
  // Units of several parts: \mathrm{m\,s^{-1}}, \frac{\text{km}}{\text{h}}.
  [/(?<=\\(?:text|mathrm)\s*\{[A-Za-z\s/.]{1,40}\^)\{\s*(-?\d)\s*\}/g, '$1'],
  [
    /\\frac\s*\{\s*\\(?:text|mathrm)\s*\{([^{}]*)\}\s*\}\s*\{\s*\\(?:text|mathrm)\s*\{([^{}]*)\}\s*(?:(\^)\s*\{?\s*(\d)\s*\}?\s*)?\}/g,
    '\\text{$1/$2$3$4}',
  ],
  // A number as text, which is no factor, base or exponent beside others; whole ones are read as they stand.
  [
    /(?:(?<![\w)\]}.!|]\s*)|(?<=\\(?:approx|le|ge|ne|lt|gt|pm|mp|times|cdot|div|equiv|sim|in)\s*))\\(?:text|mathrm)\s*\{\s*([-+]\d+(?:\.\d+)?|\d+\.\d+|[-+]?\d+\/\d+)\s*\}(?!\s*(?:[\d^_!.{]|\\(?:frac|(?:text|math)[a-z]*\s*\{\s*[-+\d])))/g,
    '{$1}',
  ],
  // Terms in a font: anything but one name or number, and without words, which are units or prose.
  [
    /\\(?:mathbf|mathit|mathsf|boldsymbol|bm|mathnormal)\s*\{(?![a-zA-Z\s]*\}|\d+\})((?:[^{}a-zA-Z\\]|\\(?:[a-zA-Z]+|[^a-zA-Z])|(?<![a-zA-Z])[a-zA-Z](?![a-zA-Z]))*)\}/g,
    '{$1}',
  ],
  [/\\(?:mathbf|mathit|mathsf|boldsymbol|bm|mathnormal)(?![a-zA-Z])/g, '\\mathrm'],
];

/** The text in one spelling; white space in runs becomes one space. */
export function normalise(text: string): string {
  let clean = text.includes('\\!') || text.includes('{,}') ? joinThousands(text) : text;
  clean = clean.replace(/(?:\\\\\s{0,4}){1,4}$/, '');
  if (!isAscii(clean)) clean = plainSigns(clean);
  if (clean.includes('\\\\')) {
    clean = clean.replace(/\\\\/g, clean.includes('\\begin') ? '\\cr ' : '\\');
  }
  if (/[\\$~£€¥]/.test(clean)) {
    for (const [pattern, by] of REPLACEMENTS) clean = clean.replace(pattern, by);
  }
  clean = clean.replace(/(?<=\d) ?x ?(?=10 ?(?:\^|\*\*))/g, '\\times ');
  return bare(clean.replace(/\s+/g, ' ').trim());
}

/** Text without white space and braces, but where they part digits, for a comparison of strings. */
export function squeezed(normal: string): string {
  return normal.replace(/(?<=\d)[\s{}]+(?=\d)/g, '|').replace(/[\s{}]+/g, '');
}

/** `32,\!000`, `32{,}000` → 32000. */
function joinThousands(text: string): string {
  return text.replace(THOUSANDS, '');
}

/** Without the stop or comma of its sentence, and the stars of Markdown. */
function bare(text: string): string {
  const inner = /^(\*{1,2})([^*]+)\1[.,]?$/.exec(text)?.[2] ?? text;
  return inner.replace(/[.。,;:]$/, '').trim();
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
  return /^[\u0000-\u007f]*$/.test(text);
}

function plainSigns(text: string): string {
  return text
    .replace(SIGN, (sign) => SIGNS[sign] ?? sign)
    .replace(/[¼-¾⅐-⅞]/gu, (sign) => `\\frac{${sign.normalize('NFKD').replace('⁄', '}{')}}`)
    .replace(/(⁻?)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)/gu, (_, minus, run) => {
      return `^{${minus === '' ? '' : '-'}${digitsOf(run, SUPERSCRIPTS)}}`;
    })
    .replace(/[₀₁₂₃₄₅₆₇₈₉]+/gu, (run) => `_{${digitsOf(run, SUBSCRIPTS)}}`)
    .replace(/([√∛∜])\s*(\d+|[a-zA-Z])?/gu, (_, root, of) => {
      return `${ROOTS[root]}${of === undefined ? '' : `{${of}}`}`;
    })
    .replace(/[０-９]/gu, (digit) => String(digit.charCodeAt(0) - 0xff10))
    .replace(/[\u00a0\u2000-\u200b\u202f\u205f\u3000]/gu, ' ');
}

function digitsOf(run: string, digits: string): string {
  return [...run].map((sign) => digits.indexOf(sign)).join('');
}
