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
  mass: ['g gm gram', 'kg kilogram', 'lb pound', 'oz ounce'],
  time: ['s sec second', 'min minute', 'h hr hour', 'day', 'week', 'month', 'year yr'],
  'time of day': ['am', 'pm'],
  angle: ['degree deg', 'radian rad'],
  money: ['dollar', 'cent'],
  speed: ['mph', 'km/h kph'],
  volume: ['L l liter litre', 'mL ml milliliter millilitre'],
};

interface Unit {
  readonly name: string;
  readonly measures: string;
  readonly power: number;
}

const KNOWN: ReadonlyMap<string, Omit<Unit, 'power'>> = new Map(
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
  /^([-+]?\s*\$?[\d.,/ ]*\d)(?:\s+|(?=[a-z]{2,}(?:\W|$)))([a-zA-Z][a-zA-Z. ]*[a-zA-Z])\s*(\^\s*\{?\s*[23]\s*\}?)?$/;
const SHORT_UNIT = /^(?:mm|cm|km|kg|ft|lb|oz|hr|mph|ml|in|yd|mi|gm)s?$/i;

/** "20 apples", "5 cm^2" → the words as `\text{…}`. */
export function unitsAsText(normal: string): string {
  if (normal.length > 200) return normal;
  const match = TRAILING_WORDS.exec(normal);
  if (match === null) return normal;
  const [, number = '', words = '', power = ''] = match;
  const isUnit = SHORT_UNIT.test(words) || (!MATHS.test(words) && /[a-zA-Z]{3}/.test(words));
  return isUnit ? `${number}\\text{${words}}${power}` : normal;
}

/**
 * Whether both are known units and differ, powers included; "units" may be those of any length.
 * Unknown words say nothing.
 * @example unitsDiffer('square feet', 'inches^2') // true
 */
export function unitsDiffer(a: string, b: string): boolean {
  const left = readUnit(a);
  const right = readUnit(b);
  if (left === null || right === null) return false;
  if (left.measures !== right.measures || left.power !== right.power) return true;
  return left.name !== right.name && left.name !== 'unit' && right.name !== 'unit';
}

function readUnit(text: string): Unit | null {
  const lower = text.toLowerCase().replace(/\./g, '').replace(/\s+/g, ' ').trim();
  const power = /^(?:square|sq) |\^2$/.test(lower) ? 2 : /^(?:cubic|cu) |\^3$/.test(lower) ? 3 : 1;
  const word = lower.replace(/^(?:square|sq|cubic|cu) |\^\d$/g, '').trim();
  const unit = KNOWN.get(word) ?? KNOWN.get(word.replace(/s$/, ''));
  return unit === undefined ? null : { ...unit, power };
}
