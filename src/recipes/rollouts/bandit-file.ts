/** The posterior of the arms as a file: written after each round, read by a later run. */
import type { BanditPolicy, Posterior } from '../../preferences/index.js';
import { InputError } from '../../util/errors.js';
import { writeJson } from '../../util/files.js';
import { readRecord } from '../../util/own-files.js';

export interface BanditFile {
  readonly policy: BanditPolicy;
  /** What the arms are judged by. */
  readonly reward: string;
  /** Rounds in the posterior that this run has made. */
  readonly rounds: number;
  readonly arms: Posterior;
}

export const writeBandit = (path: string, state: BanditFile): void => writeJson(path, state);

/**
 * The posterior of an earlier run, for the same arms and judged alike.
 * @throws InputError on another file, other arms, or another reward
 */
export function readBandit(
  path: string,
  expected: { readonly arms: readonly string[]; readonly reward: string },
): Posterior {
  const remedy = 'Give the bandit.json of an earlier run';
  const { arms, reward } = readRecord<BanditFile>(path, {
    fields: { arms: 'object', reward: 'string' },
    remedy,
  });
  if (!Object.values(arms).every(isRecord)) {
    throw new InputError({
      where: path,
      problem: 'arms need pulls and a reward_sum between 0 and pulls',
      remedy,
    });
  }
  const stranger = Object.keys(arms).find((name) => !expected.arms.includes(name));
  if (stranger !== undefined) {
    throw new InputError({
      where: path,
      problem: `it knows an arm "${stranger}", which this run does not have`,
      remedy: `The arms are ${expected.arms.join(', ')}`,
    });
  }
  if (reward !== expected.reward) {
    throw new InputError({
      where: path,
      problem: `its arms were judged by ${reward}, not by ${expected.reward}`,
      remedy: `Set bandit_reward=${reward}, or leave bandit_from out`,
    });
  }
  return arms;
}

function isRecord(value: unknown): boolean {
  const { pulls, reward_sum: sum } = (value ?? {}) as Record<string, unknown>;
  return (
    Number.isInteger(pulls) &&
    typeof sum === 'number' &&
    sum >= 0 &&
    sum <= (pulls as number) + 1e-9
  );
}
