/** An optimizer that goes by moments of the gradients: it counts its updates, and its state is both. */
import { createMoment, downloaded, type Moment, uploaded } from './moment.js';
import { type ChangeOf, type Optimizer, type UpdateOptions, UpdateRule } from './optimizer.js';

export interface MomentOptimizerOptions extends UpdateOptions {
  /** Of the moments between steps; default 32. */
  readonly bits?: 32 | 8;
}

interface Update {
  /** From 1. */
  readonly step: number;
  readonly learningRate: number;
}

/**
 * @param options.signed The moments by name, and whether they may be negative
 * @param changeOf What an update reads and writes of the moments
 */
export function momentOptimizer<Name extends string>(
  size: number,
  {
    bits = 32,
    signed,
    ...options
  }: MomentOptimizerOptions & { readonly signed: Readonly<Record<Name, boolean>> },
  changeOf: (moments: Readonly<Record<Name, Moment>>, update: Update) => ChangeOf,
): Optimizer {
  const rule = new UpdateRule(options);
  const named = Object.entries<boolean>(signed).map(
    ([name, isSigned]) => [name, createMoment(size, { bits, isSigned })] as const,
  );
  const moments = Object.fromEntries(named) as Record<Name, Moment>;
  let step = 0;
  return {
    apply(parameters, gradient, learningRate) {
      step += 1;
      const change = changeOf(moments, { step, learningRate });
      return rule.update(parameters, { gradient, learningRate }, change);
    },
    async state() {
      const values: Record<string, Float32Array> = {};
      for (const [name, moment] of named) values[name] = await downloaded(moment, size);
      return { step, moments: values };
    },
    restore(state) {
      step = state.step;
      for (const [name, moment] of named) uploaded(moment, state.moments[name]!);
    },
    dispose() {
      for (const [, moment] of named) moment.dispose();
      rule.dispose();
    },
  };
}
