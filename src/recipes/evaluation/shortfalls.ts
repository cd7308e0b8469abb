/** Says what an evaluation could not grade, and what a budget has ended. */
import type { Evaluation } from '../../evaluate/index.js';
import { counted } from '../../util/counted.js';
import type { RecipeContext } from '../context.js';

type Evaluated = Pick<Evaluation, 'rows' | 'metrics'>;

/** Nothing where all is graded and nothing was ended. */
export function sayShortfalls(evaluation: Evaluated, { log }: Pick<RecipeContext, 'log'>): void {
  for (const line of [...ungraded(evaluation), ...endedByBudget(evaluation)]) {
    log(`warning: ${line}`);
  }
}

/** How many completions are in no accuracy, and why the first is not. */
function ungraded({ rows, metrics }: Evaluated): string[] {
  const first = rows.find(({ correct }) => correct === null);
  if (first === undefined) return [];
  const { status = 'skipped', reason = 'its row has no gold answer' } = first;
  const count = `${metrics.ungraded} of ${counted(rows.length, 'completion')} not graded`;
  return [`${count} and in no accuracy; the first (${status}): ${reason}`];
}

const endedByBudget = ({ rows, metrics }: Evaluated): string[] =>
  (['time', 'tokens'] as const).flatMap((budget) => {
    const count = metrics[`strategy/ended_by_${budget}`];
    const key = budget === 'time' ? 'time_budget' : 'token_budget';
    return count === undefined
      ? []
      : `${key} ended ${count} of ${counted(rows.length, 'problem')}, which are graded by what there was of them`;
  });
