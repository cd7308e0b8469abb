/** Options of the arithmetic generator, their defaults and their ranges. */
import { InputError } from '../util/errors.js';
import type { ArithmeticLevel } from './arithmetic-problems.js';
import { ARITHMETIC_NAMES, ARITHMETIC_OBJECTS, ARITHMETIC_TEMPLATES } from './arithmetic-text.js';

export interface ArithmeticOptions {
  /** Any whole number. */
  readonly seed: number;
  /** Rows per split. */
  readonly train: number;
  readonly test: number;
  /** Default 0. */
  readonly valid?: number;
  /** Operands are 1 to this, at most 999. Default 99. */
  readonly maxOperand?: number;
  /** Share of demonstrations in the careful style. Default 0.2. */
  readonly carefulShare?: number;
  /** Share of subtractions. Default 0.5. */
  readonly subtractShare?: number;
  /**
   * Relative shares of the levels. Default easy 0.2, medium 0.3, hard 0.5. A level that the operand
   * range cannot give (all but easy when maxOperand is below 10) gets none.
   */
  readonly levelShares?: Readonly<Record<ArithmeticLevel, number>>;
  /** Wordings per operation, 1 to 3. Default 2. */
  readonly templates?: number;
  /** Names in use, 2 to 8. Default 4. */
  readonly names?: number;
  /** Kinds of objects in use, 1 to 8. Default 4. */
  readonly objects?: number;
  /** Share of all sums kept for the test split, and again for validation. Default 0.15, at most 0.4. */
  readonly holdOutShare?: number;
}

export type ArithmeticSettings = Required<ArithmeticOptions>;

const DEFAULTS = {
  valid: 0,
  maxOperand: 99,
  carefulShare: 0.2,
  subtractShare: 0.5,
  levelShares: { easy: 0.2, medium: 0.3, hard: 0.5 },
  templates: 2,
  names: 4,
  objects: 4,
  holdOutShare: 0.15,
} as const satisfies Omit<ArithmeticSettings, 'seed' | 'train' | 'test'>;

interface Range {
  readonly low: number;
  readonly high: number;
  readonly whole: boolean;
}

const whole = (low: number, high: number): Range => ({ low, high, whole: true });
const share = (high = 1): Range => ({ low: 0, high, whole: false });

const RANGES = {
  seed: whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  train: whole(0, 1_000_000),
  valid: whole(0, 1_000_000),
  test: whole(0, 1_000_000),
  maxOperand: whole(2, 999),
  carefulShare: share(),
  subtractShare: share(),
  templates: whole(1, ARITHMETIC_TEMPLATES.add.length),
  names: whole(2, ARITHMETIC_NAMES.length),
  objects: whole(1, ARITHMETIC_OBJECTS.length),
  holdOutShare: share(0.4),
} as const satisfies Record<Exclude<keyof ArithmeticSettings, 'levelShares'>, Range>;

function check(name: string, value: number, { low, high, whole }: Range): void {
  if (value >= low && value <= high && (!whole || Number.isSafeInteger(value))) return;
  throw new InputError({
    where: `arithmetic ${name}`,
    problem: `${value} is not ${whole ? 'a whole number' : 'a number'} from ${low} to ${high}`,
  });
}

/** The options with defaults filled in. @throws InputError naming the option that is out of range. */
export function arithmeticSettings(options: ArithmeticOptions): ArithmeticSettings {
  const settings = { ...DEFAULTS, ...options };
  for (const [name, range] of Object.entries(RANGES)) {
    check(name, settings[name as keyof typeof RANGES], range);
  }
  for (const [level, value] of Object.entries(settings.levelShares)) {
    check(`levelShares.${level}`, value, { low: 0, high: Number.MAX_VALUE, whole: false });
  }
  return settings;
}
