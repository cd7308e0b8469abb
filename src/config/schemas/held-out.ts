/** Rows of the training set that are held out for evaluation, and the evaluation that they, or `eval_steps`, ask for. */
import type { z } from 'zod';
import type { DatasetConfig } from './dataset.js';
import { making } from './in-turn.js';
import { issueAt } from './issue-at.js';

interface HeldOutKeys {
  readonly eval_samples?: number | null;
  readonly eval_steps: number | null;
  readonly max_completion_length: number;
  readonly dataset: DatasetConfig;
  readonly eval: {
    readonly dataset: { readonly name: string | null; readonly path: string | null };
  } | null;
}

export function checkHeldOut(config: HeldOutKeys, context: z.RefinementCtx): void {
  const issue = issueAt(context);
  const { eval: evaluation, eval_samples: held = null, eval_steps: every } = config;
  if (held !== null && evaluation !== null) {
    const { name, path } = evaluation.dataset;
    if (name !== null || path !== null) {
      issue('eval_samples', 'eval names its own rows. Keep one of them');
    }
  }
  if (every !== null && held === null && evaluation === null && config.dataset.name === null) {
    issue(
      'eval_steps',
      'no rows to evaluate on. Give eval_samples, eval.dataset or eval.benchmark',
    );
  }
}

type Implied = (dataset?: Partial<DatasetConfig>) => object;

/**
 * `eval_samples` asks for an evaluation; so does `eval_steps`, by the test split of a named data set.
 * @param implied The evaluation on these rows.
 */
export const withEvaluation = (implied: Implied) =>
  making('eval', <Config extends HeldOutKeys>(config: Config): Config => {
    const { eval: evaluation, eval_samples: held = null, eval_steps: every } = config;
    if (evaluation !== null) return config;
    const length = () => ({ max_new_tokens: config.max_completion_length });
    if (held !== null) return { ...config, eval: { ...implied(), ...length() } };
    if (every === null || config.dataset.name === null) return config;
    const { name, subset, revision, columns } = config.dataset;
    return { ...config, eval: { ...implied({ name, subset, revision, columns }), ...length() } };
  });
