/** Checks of the rendered examples before training: silent errors of masks and special tokens. */
import { type MaskedSequence, trainedTokens } from '../model/index.js';
import { counted } from '../util/counted.js';
import { GuardError } from '../util/errors.js';
import { sum } from '../util/numbers.js';

export interface PreflightOptions {
  readonly bosId: number | null;
  readonly eosIds: readonly number[];
  /** Examples have prompts that are not learnt, so that a mask of ones only is a mistake. */
  readonly hasContext: boolean;
  /** `file:line` of an example. */
  readonly where?: (index: number) => string;
}

export interface Preflight {
  readonly examples: number;
  /** Examples whose loss covers an end-of-sequence token. */
  readonly eosTrained: number;
  readonly trainedTokens: number;
  readonly tokens: number;
}

/**
 * @throws GuardError, its `where` beginning with the guard's name: `no_examples`, `empty_loss_mask`,
 *   `full_loss_mask`, `eos_never_trained`, `doubled_bos`.
 */
export function preflight(
  examples: readonly MaskedSequence[],
  { bosId, eosIds, hasContext, where = (index) => `example ${index + 1}` }: PreflightOptions,
): Preflight {
  if (examples.length === 0) {
    throw new GuardError({
      where: 'no_examples',
      problem: 'no example is left to train on',
      remedy: 'Raise max_length, or check the rows',
    });
  }
  const counts = examples.map(trainedTokens);
  const empty = counts.indexOf(0);
  if (empty >= 0) {
    throw new GuardError({
      where: `empty_loss_mask at ${where(empty)}`,
      problem: 'the loss counts none of its tokens',
      remedy: 'Check roles_to_train and the answer of the row',
    });
  }
  const isFull = examples.every(({ ids }, i) => counts[i] === ids.length - 1);
  if (hasContext && isFull) {
    throw new GuardError({
      where: 'full_loss_mask',
      problem: `the loss counts every token of all ${counted(examples.length, 'example')}, prompts too`,
      remedy: 'Check prompts and chat template; completion_only_loss=false asks for it',
    });
  }
  checkBos(examples, bosId, where);
  const eosTrained = examples.filter(({ ids, trained }) =>
    ids.some((id, t) => t > 0 && trained[t] && eosIds.includes(id)),
  ).length;
  if (eosTrained === 0) {
    throw new GuardError({
      where: 'eos_never_trained',
      problem: `no end-of-sequence token is in the loss of any of ${counted(examples.length, 'example')}: the model would not learn to stop`,
      remedy: 'Raise max_length if answers are cut, or check eos_token',
    });
  }
  return {
    examples: examples.length,
    eosTrained,
    trainedTokens: sum(counts),
    tokens: sum(examples.map(({ ids }) => ids.length)),
  };
}

function checkBos(
  examples: readonly MaskedSequence[],
  bosId: number | null,
  where: (index: number) => string,
): void {
  if (bosId === null) return;
  const doubled = examples.findIndex(({ ids }) => ids[0] === bosId && ids[1] === bosId);
  if (doubled < 0) return;
  throw new GuardError({
    where: `doubled_bos at ${where(doubled)}`,
    problem: 'the sequence begins with two beginning-of-sequence tokens',
    remedy: 'Take the token out of the chat template or the text; the tokenizer adds it',
  });
}
