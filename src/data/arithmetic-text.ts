/** Wording of the arithmetic problems: a few short templates per operation over small vocabularies. */

export type ArithmeticOperation = 'add' | 'subtract';

interface ProblemText {
  readonly name: string;
  readonly other: string;
  /** Plural with a final "s", e.g. "apples". */
  readonly objects: string;
  readonly a: number;
  readonly b: number;
}

export const ARITHMETIC_NAMES = ['Tom', 'Ann', 'Ben', 'Mia', 'Sam', 'Eva', 'Max', 'Zoe'] as const;

export const ARITHMETIC_OBJECTS = [
  'apples',
  'pens',
  'cards',
  'coins',
  'books',
  'eggs',
  'stamps',
  'shells',
] as const;

/** "1 apple", "2 apples". */
function counted(n: number, objects: string): string {
  return `${n} ${n === 1 ? objects.slice(0, -1) : objects}`;
}

type Template = (text: ProblemText) => string;

/** Variants per operation; a generator asked for n templates uses the first n. */
export const ARITHMETIC_TEMPLATES = {
  add: [
    ({ name, objects, a, b }) =>
      `${name} has ${counted(a, objects)} and buys ${b} more. How many ${objects} does ${name} have?`,
    ({ name, other, objects, a, b }) =>
      `${name} has ${counted(a, objects)}. ${other} has ${b}. How many ${objects} do they have?`,
    ({ name, objects, a, b }) =>
      `${name} finds ${counted(a, objects)}, then ${b} more. How many ${objects} is that?`,
  ],
  subtract: [
    ({ name, objects, a, b }) =>
      `${name} has ${counted(a, objects)} and gives away ${b}. How many ${objects} are left?`,
    ({ name, other, objects, a, b }) =>
      `${name} has ${counted(a, objects)}. ${other} has ${b}. How many more ${objects} does ${name} have?`,
    ({ name, objects, a, b }) =>
      `${name} had ${counted(a, objects)} and lost ${b}. How many ${objects} are left?`,
  ],
} as const satisfies Record<ArithmeticOperation, readonly Template[]>;
