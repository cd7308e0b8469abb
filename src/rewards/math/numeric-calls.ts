/** Named functions in double precision. */
import { largest, smallest } from '../../util/numbers.js';
import {
  applied,
  type Complex,
  complex,
  exactly,
  exponential,
  logarithm,
  minus,
  modulus,
  over,
  plus,
  realFunction,
  times,
} from './complex.js';
import { gammaOf } from './gamma.js';

type Value = Complex | null;
const I: Complex = { re: 0, im: 1, error: 0 };

/** The value of a call, or null when the function or its value at these arguments is not known. */
export function callValue(name: string, args: readonly Complex[]): Value {
  const [a, b] = args;
  if (a === undefined) return null;
  switch (name) {
    case 'sin':
      return trigonometric(a).sin;
    case 'cos':
      return trigonometric(a).cos;
    case 'tan':
      return quotient(trigonometric(a).sin, trigonometric(a).cos);
    case 'cot':
      return quotient(trigonometric(a).cos, trigonometric(a).sin);
    case 'sec':
      return quotient(complex(1), trigonometric(a).cos);
    case 'csc':
      return quotient(complex(1), trigonometric(a).sin);
    case 'arcsin':
      return realFunction(a, Math.asin, 1 / Math.sqrt(Math.max(1 - a.re * a.re, 1e-12)));
    case 'arccos':
      return realFunction(a, Math.acos, 1 / Math.sqrt(Math.max(1 - a.re * a.re, 1e-12)));
    case 'arctan':
      return realFunction(a, Math.atan, 1);
    case 'sinh':
      return realFunction(a, Math.sinh, Math.cosh(a.re));
    case 'cosh':
      return realFunction(a, Math.cosh, Math.cosh(a.re));
    case 'tanh':
      return realFunction(a, Math.tanh, 1);
    case 'exp':
      return exponential(a);
    case 'ln':
      return logarithm(a);
    case 'log':
      return quotient(logarithm(a), logarithm(b ?? exactly(10)));
    case 'abs':
      return complex(modulus(a), 0, a.error);
    default:
      return whole(name, args);
  }
}

/** Functions of whole numbers, and those with jumps. */
function whole(name: string, args: readonly Complex[]): Value {
  const [a, b] = args;
  if (a === undefined || args.some(({ im }) => im !== 0)) return null;
  switch (name) {
    case 'factorial':
      return gammaOf(a.re + 1);
    case 'binom':
      return b === undefined ? null : binomial(a, b);
    case 'floor':
      return atJump(a) ? null : complex(Math.floor(a.re));
    case 'ceil':
      return atJump(a) ? null : complex(Math.ceil(a.re));
    case 'max':
      return complex(largest(args.map(({ re }) => re)), 0, a.error);
    case 'min':
      return complex(smallest(args.map(({ re }) => re)), 0, a.error);
    default:
      return null;
  }
}

/** Whether rounding decides on which side of a whole number the value lies. */
function atJump({ re, error }: Complex): boolean {
  return !Number.isInteger(re) && Math.abs(re - Math.round(re)) <= 4 * error;
}

/** e^{iz} = cos z + i sin z, with errors of first order. */
function trigonometric(a: Complex): { readonly sin: Value; readonly cos: Value } {
  if (a.im === 0) {
    const isFar = Math.abs(a.re) > 1e8;
    const error = a.error;
    return isFar
      ? { sin: null, cos: null }
      : { sin: complex(Math.sin(a.re), 0, error), cos: complex(Math.cos(a.re), 0, error) };
  }
  const forward = applied(times(I, a), exponential);
  const backward = applied(times(minus(I), a), exponential);
  if (forward === null || backward === null) return { sin: null, cos: null };
  const difference = plus(forward, minus(backward));
  const sum = plus(forward, backward);
  return { sin: quotient(difference, complex(0, 2)), cos: quotient(sum, complex(2)) };
}

function quotient(a: Value, b: Value): Value {
  return a === null || b === null ? null : over(a, b);
}

/** Γ(n + 1) / (Γ(k + 1) Γ(n − k + 1)). */
function binomial(n: Complex, k: Complex): Value {
  const first = gammaOf(k.re + 1);
  const second = gammaOf(n.re - k.re + 1);
  const under = first === null || second === null ? null : times(first, second);
  return quotient(gammaOf(n.re + 1), under);
}
