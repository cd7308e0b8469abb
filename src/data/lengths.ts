/** What happens to token sequences longer than `max_length`; counted, never silent. */
import { InputError } from '../util/errors.js';

export interface MaskedTokens {
  readonly ids: readonly number[];
  /** Whether the loss counts the token at this position; the first has no prediction and never counts. */
  readonly trained: readonly boolean[];
}

/** `truncate` keeps the beginning. */
type LengthPolicy = 'error' | 'truncate' | 'drop';

export interface LengthLimit {
  /** Tokens. */
  readonly maxLength: number;
  readonly policy: LengthPolicy;
  /** `file:line` of an example, for the error. */
  readonly where?: (index: number) => string;
}

interface LimitedExample<T extends MaskedTokens> {
  readonly example: T;
  /** Index in the list given. */
  readonly index: number;
}

export interface LimitedExamples<T extends MaskedTokens> {
  readonly examples: readonly LimitedExample<T>[];
  readonly truncated: number;
  readonly dropped: number;
  /** Left out because the part kept has no token to train. */
  readonly untrained: number;
}

/** @throws InputError under `error` naming the first example that is too long. */
export function limitLengths<T extends MaskedTokens>(
  examples: readonly T[],
  { maxLength, policy, where = (index) => `example ${index}` }: LengthLimit,
): LimitedExamples<T> {
  const kept: LimitedExample<T>[] = [];
  const counts = { truncated: 0, dropped: 0, untrained: 0 };
  for (const [index, example] of examples.entries()) {
    const long = example.ids.length > maxLength;
    if (long && policy === 'error') throw tooLong(where(index), example.ids.length, maxLength);
    if (long && policy === 'drop') {
      counts.dropped++;
      continue;
    }
    if (long) counts.truncated++;
    const cut = long ? truncated(example, maxLength) : example;
    if (cut.trained.indexOf(true, 1) < 0) counts.untrained++;
    else kept.push({ example: cut, index });
  }
  return { examples: kept, ...counts };
}

function truncated<T extends MaskedTokens>(example: T, maxLength: number): T {
  const { ids, trained } = example;
  return { ...example, ids: ids.slice(0, maxLength), trained: trained.slice(0, maxLength) };
}

function tooLong(where: string, length: number, maxLength: number): InputError {
  return new InputError({
    where,
    problem: `${length} tokens are more than max_length=${maxLength}`,
    remedy: 'Raise max_length, or choose to truncate or drop such rows',
  });
}
