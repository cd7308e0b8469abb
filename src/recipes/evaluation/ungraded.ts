/** Says what an evaluation could not grade. */
import type { Evaluation } from '../../evaluate/index.js';
import type { RecipeContext } from '../context.js';

/** How many completions are in no accuracy, and why the first is not; nothing where all are graded. */
export function sayUngraded(
  { rows, metrics }: Pick<Evaluation, 'rows' | 'metrics'>,
  { log }: Pick<RecipeContext, 'log'>,
): void {
  const first = rows.find(({ correct }) => correct === null);
  if (first === undefined) return;
  const { status = 'skipped', reason = 'its row has no gold answer' } = first;
  const count = `${metrics.ungraded} of ${rows.length} completions are not graded`;
  log(`warning: ${count} and in no accuracy; the first (${status}): ${reason}`);
}
