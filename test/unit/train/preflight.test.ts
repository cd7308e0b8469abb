import { describe, expect, it } from 'vitest';
import type { MaskedSequence } from '../../../src/model/index.js';
import { type PreflightOptions, preflight } from '../../../src/train/preflight.js';
import { GuardError } from '../../../src/util/errors.js';
import { refusalOf } from '../../support/failures.js';

const [BOS, EOS] = [1, 2];
const OPTIONS: PreflightOptions = { bosId: BOS, eosIds: [EOS], hasContext: true };

/** Trained from `from` on. */
const sequence = (ids: readonly number[], from: number): MaskedSequence => ({
  ids,
  trained: ids.map((_, t) => t >= from),
});
const HEALTHY = [sequence([BOS, 5, 6, 7, EOS], 3), sequence([BOS, 8, 9, EOS], 2)];

const refusal = (examples: readonly MaskedSequence[], options = OPTIONS): string =>
  refusalOf(GuardError, () => preflight(examples, options));

describe('preflight', () => {
  it('counts what a healthy set trains', () => {
    expect(preflight(HEALTHY, OPTIONS)).toEqual({
      examples: 2,
      eosTrained: 2,
      trainedTokens: 4,
      tokens: 9,
    });
  });

  it('refuses an empty set', () => {
    expect(refusal([])).toMatch(/^no_examples/);
  });

  it('refuses a row whose loss counts nothing; the first token never counts', () => {
    const onlyFirst = { ids: [BOS, 5, EOS], trained: [true, false, false] };
    const where = (index: number) => `rows.jsonl:${index + 1}`;
    expect(refusal([...HEALTHY, onlyFirst], { ...OPTIONS, where })).toMatch(
      /^empty_loss_mask at rows.jsonl:3/,
    );
  });

  it('refuses a mask of ones only, unless it is asked for', () => {
    const all = HEALTHY.map(({ ids }) => sequence(ids, 1));
    expect(refusal(all)).toMatch(/^full_loss_mask/);
    expect(refusal(all, { ...OPTIONS, hasContext: false })).toBe('accepted');
    expect(refusal([...all, HEALTHY[0]!])).toBe('accepted');
  });

  it('refuses a set that never trains the end of a sequence', () => {
    const masked = { ids: [BOS, 5, 6, EOS], trained: [false, false, true, false] };
    expect(refusal([masked, sequence([BOS, 5, 6, 7], 2)])).toMatch(/^eos_never_trained/);
    expect(refusal([masked, HEALTHY[0]!])).toBe('accepted');
  });

  it('refuses a doubled beginning', () => {
    expect(refusal([HEALTHY[0]!, sequence([BOS, BOS, 5, EOS], 2)])).toMatch(
      /^doubled_bos at example 2/,
    );
    expect(refusal([sequence([BOS, 5, BOS, EOS], 2)])).toBe('accepted');
  });
});
