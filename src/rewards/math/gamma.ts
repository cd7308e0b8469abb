/** The gamma function of a real number by Lanczos' approximation (g = 7, nine terms), to 1e-13. */
import { type Complex, complex } from './complex.js';

const G = 7;
const COEFFICIENTS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
  -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
  1.5056327351493116e-7,
];

/** Γ(x), or null at its poles and where it is too large. */
export function gammaOf(x: number): Complex | null {
  if (x <= 0 && Number.isInteger(x)) return null;
  if (x < 0.5) {
    const reflected = gammaOf(1 - x);
    if (reflected === null) return null;
    return withError(Math.PI / (Math.sin(Math.PI * x) * reflected.re));
  }
  const z = x - 1;
  const sum = COEFFICIENTS.reduce((total, c, i) => (i === 0 ? c : total + c / (z + i)), 0);
  const t = z + G + 0.5;
  return withError(Math.sqrt(2 * Math.PI) * t ** (z + 0.5) * Math.exp(-t) * sum);
}

function withError(value: number): Complex | null {
  return complex(value, 0, 1e-12 * Math.abs(value));
}
