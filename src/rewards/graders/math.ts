/** `math_equivalence`: the answer in the input is mathematically equal to the reference. */
import { mathEquivalent } from '../math/equivalence.js';
import type { Grade } from './grade.js';
import { scored } from './outcome.js';
import type { MathEquivalenceSpec } from './spec.js';
import { compileCompared } from './template.js';

/** 1 or 0. The input is an answer, or a text with its last `\boxed{}`. */
export function mathGrader(spec: MathEquivalenceSpec): Grade {
  const compared = compileCompared(spec);
  return async (sample) => {
    const { gold, text: prediction } = compared(sample);
    return scored(mathEquivalent({ gold, prediction }) ? 1 : 0);
  };
}
