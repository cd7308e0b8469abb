/**
 * Units and other words behind a number. They are no part of the value; two that are known and name
 * different things tell answers apart.
 */

/** What is measured, and its units with their spellings; a plural "s" is left away in the look-up. */
const UNITS: Readonly<Record<string, readonly string[]>> = {
  length: [
    'mm millimeter millimetre',
    'cm centimeter centimetre',
    'm meter metre',
    'km kilometer kilometre',
    'in inch inche',
    'ft foot feet',
    'yd yard',
    'mi mile',
    'unit',
  ],
  mass: ['mg milligram', 'g gm gram', 'kg kilogram', 'lb pound', 'oz ounce'],
  time: ['s sec second', 'min minute', 'h hr hour', 'day', 'week', 'month', 'year yr'],
  'time of day': ['am', 'pm'],
  angle: ['degree deg', 'radian rad', 'celsius', 'fahrenheit'],
  money: ['dollar', 'cent'],
  volume: ['L l liter litre', 'mL ml milliliter millilitre'],
};

/** A unit as powers of known ones: m/s^2 is a meter to the first and a second to the minus second. */
interface Unit {
  readonly names: ReadonlyMap<string, number>;
  readonly measures: ReadonlyMap<string, number>;
}

const KNOWN: ReadonlyMap<string, { readonly name: string; readonly measures: string }> = new Map(
  Object.entries(UNITS).flatMap(([measures, units]) =>
    units.flatMap((spellings) => {
      const names = spellings.split(' ');
      return names.map((spelling) => [spelling, { name: names[0] ?? '', measures }] as const);
    }),
  ),
);

/** Plain letters that are mathematics, not units. */
const MATHS = /\b(?:sqrt|cbrt|pi|sin|cos|tan|cot|sec|csc|log|ln|exp|and|or|infinity|inf|in|abs)\b/;
const TRAILING_WORDS =
  /^([-+]?\s*\$?[\d.,/ ]*\d|\d{1,2}:\d\d)(?:\s+|(?=[a-z]{2,}(?:\W|$)))([a-zA-Z][a-zA-Z. ]*[a-zA-Z])\s*(\^\s*\{?\s*[23]\s*\}?)?$/;
const SHORT_UNIT = /^(?:mm|cm|km|kg|ft|lb|oz|hr|mph|ml|in|yd|mi|gm)s?$/i;
/** `2pm` is a product. */
const HALF_OF_DAY = /^[ap]\.? ?m$/i;

/** Longer texts are no number with a unit. */
const LONGEST = 200;

/** "20 apples", "5 cm^2" → the words as `\text{…}`. */
export function unitsAsText(normal: string): string {
  if (normal.length > LONGEST) return normal;
  const match = TRAILING_WORDS.exec(normal);
  if (match === null) return normal;
  const [, number = '', words = '', power = ''] = match;
  const isTime = HALF_OF_DAY.test(words) && /[: ]|[A-Z.]/.test(normal);
  const isUnit =
    isTime || SHORT_UNIT.test(words) || (!MATHS.test(words) && /[a-zA-Z]{3}/.test(words));
  return isUnit ? `${number}\\text{${words}}${power}` : normal;
}

const POWER = '(?:\\s?\\^\\s?\\{?-?\\d\\}?)?';
const ROMAN = `\\\\(?:mathrm|text)\\s?\\{ ?[A-Za-z]+ ?\\}${POWER}`;
const JOINED = '\\s?(?:/|\\\\cdot)?\\s?';
const ROMAN_UNITS = new RegExp(`(?<=[\\d})] ?)${ROMAN}(?:${JOINED}${ROMAN})*`, 'g');
/** Without a slash they may be a product of letters. */
const PLAIN_UNITS = new RegExp(
  `^([-+]?[\\d.,/ ]*\\d)(?: |(?=[A-Za-z]{2}))([A-Za-z]+${POWER}(?:\\s?/\\s?[A-Za-z]+${POWER})+)$`,
);
/** i and e are numbers. */
const LETTER = /^\s*[ie]\s*$/;

/** Units of several parts or of one letter as one text: "5 km/h", `5 \mathrm{ m}/\mathrm{s}^2`. */
export function unitsOfParts(normal: string): string {
  if (normal.length > LONGEST) return normal;
  const roman = normal.replace(ROMAN_UNITS, (run) => {
    const unit = run.replace(/\\(?:mathrm|text)|\\cdot|[{}]/g, ' ');
    const isUnit = run.startsWith('\\mathrm{ ') ? !LETTER.test(unit) : readUnit(unit) !== null;
    return isUnit ? `\\text{${unit}}` : run;
  });
  const [, number = '', unit = ''] = PLAIN_UNITS.exec(roman) ?? [];
  return unit !== '' && readUnit(unit) !== null ? `${number}\\text{${unit}}` : roman;
}

/**
 * Whether both are known units and differ, powers included; "units" may be those of any length, degrees
 * those of a temperature. Unknown words say nothing.
 * @example unitsDiffer('square feet', 'inches^2') // true
 * @example unitsDiffer('miles per hour', 'mph') // false
 */
export function unitsDiffer(a: string, b: string): boolean {
  const [left, right] = [readUnit(a), readUnit(b)];
  if (left === null || right === null) return false;
  if (textOf(left.measures) !== textOf(right.measures)) return true;
  if (left.names.has('unit') || right.names.has('unit')) return false;
  const [wanted, given] = [textOf(left.names), textOf(right.names)];
  return ![wanted, inDegrees(wanted)].includes(given) && inDegrees(given) !== wanted;
}

/** One text for the spellings of a known unit; null for other words, and for degrees, which are numbers. */
export function unitKey(text: string): string | null {
  const unit = readUnit(text);
  return unit === null || unit.names.has('degree') ? null : textOf(unit.names);
}

const inDegrees = (unit: string) => unit.replace(/celsius|fahrenheit/, 'degree');

const textOf = (powers: ReadonlyMap<string, number>): string =>
  [...powers]
    .filter(([, power]) => power !== 0)
    .map(([name, power]) => `${name}^${power}`)
    .sort()
    .join(' ');

const AREAS: Readonly<Record<string, number>> = { square: 2, sq: 2, cubic: 3, cu: 3 };
const PART = /(\/?) ?(?:(square|sq|cubic|cu) )?([a-z]+)(?:\^\{?(-?\d)\}?)? ?/y;

function readUnit(text: string): Unit | null {
  const lower = text
    .toLowerCase()
    .replace(/\./g, '')
    .replace(/\\degree ?/g, 'degree ')
    .replace(/\bmph\b/g, 'mi/h')
    .replace(/\bkph\b/g, 'km/h')
    .replace(/\bdegrees? c(?:elsius)?\b/g, 'celsius')
    .replace(/\bdegrees? f(?:ahrenheit)?\b/g, 'fahrenheit')
    .replace(/\bper\b/g, '/')
    .replace(/\s+/g, ' ')
    .replace(/ ?([/^]) ?/g, '$1')
    .trim();
  const names = new Map<string, number>();
  const measures = new Map<string, number>();
  PART.lastIndex = 0;
  while (PART.lastIndex < lower.length) {
    const [, slash, area = '', word = '', exponent = '1'] = PART.exec(lower) ?? [];
    const known = KNOWN.get(word) ?? KNOWN.get(word.replace(/s$/, ''));
    if (known === undefined) return null;
    const power = (AREAS[area] ?? 1) * Number(exponent) * (slash === '' ? 1 : -1);
    names.set(known.name, (names.get(known.name) ?? 0) + power);
    measures.set(known.measures, (measures.get(known.measures) ?? 0) + power);
  }
  return names.size === 0 ? null : { names, measures };
}
