/** What a completion leaves of a context for its prompt. */
import { InputError } from '../../util/errors.js';

interface Lengths {
  /** Longest completion, tokens. */
  readonly completion: number;
  /** Longest sequence, tokens. */
  readonly context: number;
  readonly whose?: 'model' | 'judge';
}

/**
 * Tokens of the longest prompt.
 * @param key That says how long a completion may be
 * @throws InputError where nothing is left
 */
export function promptRoom(key: string, { completion, context, whose = 'model' }: Lengths): number {
  if (completion < context) return context - completion;
  throw new InputError({
    where: key,
    problem: `${completion} tokens leave no room for a prompt in the ${whose}'s context of ${context}`,
    remedy: `Lower it, as to ${Math.floor(context / 2)}`,
  });
}
