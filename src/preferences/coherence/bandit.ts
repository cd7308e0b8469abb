/**
 * Which arm makes which trajectory: in turn, by Thompson sampling, or by upper confidence bounds. Rewards
 * lie in [0, 1] and arrive after a round of questions, so each policy works with delayed feedback.
 *
 * - `thompson`: an arm with reward sum S in n pulls has the posterior Beta(1 + S, 1 + n − S); each pull
 *   takes the arm with the largest draw (Thompson 1933; fractional rewards as in Agrawal and Goyal 2012,
 *   arXiv 1111.1797, with the sum in place of their coin; delay as in Chapelle and Li 2011).
 * - `ucb`: the largest mean + c √(ln N / n), where n and N count the pulls of the round already dealt too
 *   (UCB1, Auer, Cesa-Bianchi and Fischer 2002).
 * - `uniform`: every arm in turn, on from question to question.
 *
 * An arm without randomness gives the same text each time, so a question pulls it once at most.
 */
import type { Rng } from '../../util/rng.js';
import { sampleBeta } from './beta.js';

export type BanditPolicy = 'uniform' | 'thompson' | 'ucb';

interface BanditArm {
  readonly name: string;
  /** Greedy decoding. */
  readonly isDeterministic: boolean;
}

/** Keys are those of the file. */
export interface ArmRecord {
  readonly pulls: number;
  /** Sum of the rewards, each in [0, 1]. */
  readonly reward_sum: number;
}

/** By the arm's name; an arm that is not there was never pulled. */
export type Posterior = Readonly<Record<string, ArmRecord>>;

const UNSEEN: ArmRecord = { pulls: 0, reward_sum: 0 };

export const recordOf = (posterior: Posterior, arm: string): ArmRecord => posterior[arm] ?? UNSEEN;

/** @param reward in [0, 1] */
export function observe(posterior: Posterior, arm: string, reward: number): Posterior {
  const { pulls, reward_sum: sum } = recordOf(posterior, arm);
  return { ...posterior, [arm]: { pulls: pulls + 1, reward_sum: sum + reward } };
}

export interface DealOptions {
  readonly policy: BanditPolicy;
  readonly arms: readonly BanditArm[];
  /** Pulls for each question. */
  readonly trajectories: number;
  /** Numbers of the round's questions, counted over the whole run. */
  readonly questions: readonly number[];
  /** c of `ucb`. */
  readonly exploration: number;
  readonly rngOf: (question: number) => Rng;
}

/** Names of the arms that each question of the round pulls, in the order of its trajectories. */
export function dealArms(posterior: Posterior, options: DealOptions): string[][] {
  const pending = new Map<string, number>();
  return options.questions.map((question) => {
    const rng = options.rngOf(question);
    const dealt: string[] = [];
    while (dealt.length < options.trajectories) {
      const free = options.arms.filter((arm) => !arm.isDeterministic || !dealt.includes(arm.name));
      const turn = question * options.trajectories + dealt.length;
      const name = pick({ posterior, pending, free, turn, rng, options });
      pending.set(name, (pending.get(name) ?? 0) + 1);
      dealt.push(name);
    }
    return dealt;
  });
}

interface Pull {
  readonly posterior: Posterior;
  readonly pending: ReadonlyMap<string, number>;
  /** Arms that the question may pull. */
  readonly free: readonly BanditArm[];
  /** Number of the pull over the whole run. */
  readonly turn: number;
  readonly rng: Rng;
  readonly options: DealOptions;
}

function pick(pull: Pull): string {
  const { free, options } = pull;
  if (options.policy === 'uniform') return inTurn(pull);
  const value = options.policy === 'thompson' ? drawnValue : upperBound;
  const scored = free.map(({ name }) => ({ name, value: value(name, pull) }));
  return scored.reduce((best, arm) => (arm.value > best.value ? arm : best)).name;
}

/** The arm whose turn it is, or the next that is free. */
function inTurn({ free, turn, options: { arms } }: Pull): string {
  for (let step = 0; step < arms.length; step++) {
    const { name } = arms[(turn + step) % arms.length] as BanditArm;
    if (free.some((arm) => arm.name === name)) return name;
  }
  throw new Error('dealArms: more trajectories than deterministic arms');
}

function drawnValue(name: string, { posterior, rng }: Pull): number {
  const { pulls, reward_sum: sum } = recordOf(posterior, name);
  return sampleBeta(rng, 1 + sum, 1 + Math.max(0, pulls - sum));
}

function upperBound(name: string, { posterior, pending, options }: Pull): number {
  const { pulls, reward_sum: sum } = recordOf(posterior, name);
  const dealt = pulls + (pending.get(name) ?? 0);
  if (dealt === 0) return Number.POSITIVE_INFINITY;
  const mean = pulls === 0 ? 1 : sum / pulls;
  const all = options.arms.reduce(
    (total, arm) => total + recordOf(posterior, arm.name).pulls + (pending.get(arm.name) ?? 0),
    0,
  );
  return mean + options.exploration * Math.sqrt(Math.log(all) / dealt);
}
