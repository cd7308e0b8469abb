/**
 * What follows from the evaluations during a run, as functions of their history: which one was the best,
 * whether to stop early, and by how much a plateau lowers the learning rate.
 */

export interface EvaluatedStep {
  /** Optimizer steps done. */
  readonly step: number;
  /** The metric that is watched. */
  readonly value: number;
}

export interface Watch {
  readonly greaterIsBetter: boolean;
  /** By how much a value must be better to count. */
  readonly threshold: number;
}

const isBetter = (value: number, best: number, { greaterIsBetter, threshold }: Watch): boolean =>
  greaterIsBetter ? value > best + threshold : value < best - threshold;

/** The history with one evaluation more; one of the same step is replaced (a resumed run repeats it). */
export const withEvaluation = (
  history: readonly EvaluatedStep[],
  evaluation: EvaluatedStep,
): EvaluatedStep[] => [...history.filter(({ step }) => step < evaluation.step), evaluation];

/** The first of the best; null of nothing. */
export function bestEvaluation(
  history: readonly EvaluatedStep[],
  watch: Pick<Watch, 'greaterIsBetter'>,
): EvaluatedStep | null {
  let best: EvaluatedStep | null = null;
  for (const evaluation of history) {
    const strict = { ...watch, threshold: 0 };
    if (best === null || isBetter(evaluation.value, best.value, strict)) best = evaluation;
  }
  return best;
}

/** As transformers' EarlyStoppingCallback: the last `patience` evaluations were no better than the best before. */
export function shouldStop(
  history: readonly EvaluatedStep[],
  { patience, ...watch }: Watch & { readonly patience: number },
): boolean {
  let best: number | null = null;
  let waited = 0;
  for (const { value } of history) {
    if (best === null || isBetter(value, best, watch)) waited = 0;
    else waited += 1;
    if (best === null || isBetter(value, best, { ...watch, threshold: 0 })) best = value;
  }
  return waited >= patience;
}

export interface Plateau {
  readonly greaterIsBetter: boolean;
  /** Multiplies the rate. */
  readonly factor: number;
  /** Evaluations without a better value that are borne. */
  readonly patience: number;
  /** Relative. */
  readonly threshold: number;
  /** Evaluations after a reduction that do not count. */
  readonly cooldown: number;
  /** Share of the rate below which it is not reduced; default 0. */
  readonly lowest?: number;
  /** A reduction by no more than this share of the rate is none; default 0. */
  readonly least?: number;
}

/** The product of the reductions so far, as torch's ReduceLROnPlateau with a relative threshold. */
export function plateauFactor(history: readonly EvaluatedStep[], plateau: Plateau): number {
  const { greaterIsBetter, factor, patience, threshold, lowest = 0, least = 0 } = plateau;
  let best = greaterIsBetter ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  let [bad, cooldown, product] = [0, 0, 1];
  for (const { value } of history) {
    const bound = best * (1 + (greaterIsBetter ? threshold : -threshold));
    if (greaterIsBetter ? value > bound : value < bound) {
      best = value;
      bad = 0;
    } else bad += 1;
    if (cooldown > 0) {
      cooldown -= 1;
      bad = 0;
    }
    if (bad > patience) {
      const reduced = Math.max(product * factor, lowest);
      if (product - reduced > least) product = reduced;
      cooldown = plateau.cooldown;
      bad = 0;
    }
  }
  return product;
}
