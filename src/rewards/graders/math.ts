/** `math_equivalence`: the answer in the input is mathematically equal to the reference. */
import { mathEquivalent } from '../math/equivalence.js';
import type { Grade } from './grade.js';
import { scored } from './outcome.js';
import type { MathEquivalenceSpec } from './spec.js';
import { compileTemplate } from './template.js';

/** 1 or 0. The input is an answer, or a text with its last `\boxed{}`. */
export function mathGrader(spec: MathEquivalenceSpec): Grade {
  const input = compileTemplate(spec.input, `${spec.name}.input`);
  const reference = compileTemplate(spec.reference, `${spec.name}.reference`);
  return async (sample) => {
    const answer = { gold: reference(sample), prediction: input(sample) };
    return scored(mathEquivalent(answer) ? 1 : 0);
  };
}
