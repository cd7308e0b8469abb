/** What a grader object means for a reinforcement job: whether the service runs it, and what it reads. */
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';

/** Types that the service's reinforcement jobs take. */
const RUN_BY_SERVICE = ['string_check', 'text_similarity', 'score_model', 'python', 'multi'];

/** @param types Those of the grader and its parts. @throws InputError when the service has none of that type */
export function checkGraderTypes(types: Iterable<string>, where: string): void {
  const own = [...types].find((type) => !RUN_BY_SERVICE.includes(type));
  if (own === undefined) return;
  throw new InputError({
    where,
    problem: `the service's reinforcement jobs know no grader type ${own}`,
    remedy: `Use ${RUN_BY_SERVICE.join(', ')}, or train here: lorikeet grpo`,
  });
}

/** Columns that the templates of a grader read: `{{ item.reference_answer }}` → `reference_answer`. */
export function itemFields(grader: JsonRow): string[] {
  const text = JSON.stringify(grader);
  const names = [...text.matchAll(/\{\{\s*item\.([\p{L}_$][\p{L}\p{N}_$-]*)/gu)];
  return [...new Set(names.map(([, name]) => name as string))];
}
