/** Limits of tokens and time. */
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import type { StrategyOptions } from './types.js';

export interface Budget {
  /** Aborted when the caller stops, or the time is up. */
  readonly signal: AbortSignal;
  readonly isTimeUp: () => boolean;
  /** Tokens that each of `samples` completions may have. */
  readonly perSample: number;
  /** Whether the token budget makes completions shorter than they may be. */
  readonly isTight: boolean;
  readonly release: () => void;
}

/** @throws InputError when the token budget leaves less than one token for a completion */
export function openBudget(options: StrategyOptions): Budget {
  const { maxNewTokens, tokenBudget, timeBudget, samples, signal } = options;
  const share = tokenBudget === null ? maxNewTokens : Math.floor(tokenBudget / samples);
  if (share < 1) {
    throw new InputError({
      where: 'token_budget',
      problem: `${tokenBudget} is less than one for each of ${counted(samples, 'solution')}`,
      remedy: 'Raise it, or lower the number of samples',
    });
  }
  const timer = new AbortController();
  const timeout =
    timeBudget === null ? null : setTimeout(() => timer.abort('time budget'), 1000 * timeBudget);
  return {
    signal: signal === undefined ? timer.signal : AbortSignal.any([timer.signal, signal]),
    isTimeUp: () => timer.signal.aborted,
    perSample: Math.min(maxNewTokens, share),
    isTight: share < maxNewTokens,
    release: () => {
      if (timeout !== null) clearTimeout(timeout);
    },
  };
}
