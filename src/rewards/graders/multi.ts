/** `multi`: other graders, and a formula over their scores. */
import { InputError } from '../../util/errors.js';
import { parseExpression } from './expression.js';
import type { Grade } from './grade.js';
import { type GraderOutcome, scored } from './outcome.js';
import type { MultiSpec } from './spec.js';

/** @throws InputError when the formula names what is no grader. */
export function multi(spec: MultiSpec, parts: Readonly<Record<string, Grade>>): Grade {
  const where = `${spec.name}.calculate_output`;
  const formula = parseExpression(spec.calculate_output, where);
  const unknown = formula.names.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) {
    throw new InputError({
      where,
      problem: `"${unknown}" is no grader of this multi`,
      remedy: `Its graders are ${Object.keys(parts).join(', ')}`,
    });
  }
  return async (sample) => {
    const entries = await Promise.all(
      Object.entries(parts).map(async ([name, grade]) => [name, await grade(sample)] as const),
    );
    const outcomes = Object.fromEntries(entries);
    return { ...combined(formula, outcomes), parts: outcomes };
  };
}

/** A part without a score leaves the whole without one: counting it as 0 would be a judgement. */
function combined(
  { names, evaluate }: ReturnType<typeof parseExpression>,
  outcomes: Readonly<Record<string, GraderOutcome>>,
): GraderOutcome {
  const missing = names.find((name) => outcomes[name]!.score === null);
  if (missing !== undefined) {
    const { status, reason = '' } = outcomes[missing]!;
    return { score: null, status, reason: `${missing}: ${reason}` };
  }
  const score = evaluate(Object.fromEntries(names.map((name) => [name, outcomes[name]!.score!])));
  if (Number.isFinite(score)) return scored(score);
  return { score: null, status: 'error', reason: `calculate_output is ${score}` };
}
