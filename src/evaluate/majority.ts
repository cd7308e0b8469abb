/** Majority vote over answers, where equal ones may be written differently. */
import { answerKey, mathEquivalent } from '../rewards/index.js';

export interface Ballot {
  readonly answer: string | null;
  /** 1 in a plain vote. */
  readonly weight: number;
}

export interface Vote {
  /** Index of the ballot that stands for the winners: the first of them. Null: no ballot has an answer. */
  readonly winner: number | null;
  /** Sum of the winners' weights, and of all. */
  readonly weight: number;
  readonly total: number;
}

/** Ballots with one answer, which stands under the index of the first of them. */
interface Party {
  readonly answer: string;
  readonly first: number;
  weight: number;
}

/**
 * The first of the answers seen so far that an answer is mathematically equal to, itself if it is new. It joins
 * those that are all equal to it: 5 is equal to 5 cm and to 5 km, which are not one.
 */
export type AnswerGroups = (answer: string) => string | null;

/** @returns a function that groups the answers it is given; null for an empty one */
export function answerGroups(): AnswerGroups {
  const groups: string[][] = [];
  const byKey = new Map<string, string>();
  return (answer) => {
    const key = answerKey(answer);
    if (key === null) return null;
    const known = byKey.get(key);
    if (known !== undefined) return known;
    const isEqual = (other: string) => mathEquivalent({ gold: other, prediction: answer });
    const group = groups.find((members) => members.every(isEqual));
    if (group === undefined) groups.push([answer]);
    else group.push(answer);
    const [first = answer] = group ?? [];
    byKey.set(key, first);
    return first;
  };
}

/** Those of ballots that have an answer, in order; answers that are mathematically equal are one. */
export function partiesOf(ballots: readonly Ballot[]): readonly Readonly<Party>[] {
  const groupOf = answerGroups();
  const parties = new Map<string, Party>();
  for (const [index, { answer, weight }] of ballots.entries()) {
    const first = answer === null ? null : groupOf(answer);
    if (first === null) continue;
    const party = parties.get(first);
    if (party === undefined) parties.set(first, { answer: first, first: index, weight });
    else party.weight += weight;
  }
  return [...parties.values()];
}

/**
 * The answer with the largest sum of weights; among equals, the one that was given first (X. Wang et al.
 * 2023, self-consistency, arXiv 2203.11171).
 */
export function vote(ballots: readonly Ballot[]): Vote {
  const best = partiesOf(ballots).reduce<Readonly<Party> | null>(
    (top, party) => (top === null || party.weight > top.weight ? party : top),
    null,
  );
  const total = ballots.reduce((sum, { weight }) => sum + weight, 0);
  return { winner: best?.first ?? null, weight: best?.weight ?? 0, total };
}

/**
 * maj@k of one example: the share of its blocks of k consecutive samples whose majority is right; null
 * with fewer than k samples.
 */
export function majorityAtK(
  samples: readonly { readonly answer: string | null; readonly correct: boolean | null }[],
  k: number,
): number | null {
  const blocks = Math.floor(samples.length / k);
  if (blocks === 0) return null;
  let right = 0;
  for (let i = 0; i < blocks; i++) {
    const block = samples.slice(i * k, (i + 1) * k);
    const { winner } = vote(block.map(({ answer }) => ({ answer, weight: 1 })));
    if (winner !== null && block[winner]?.correct === true) right += 1;
  }
  return right / blocks;
}
