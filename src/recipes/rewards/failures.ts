/**
 * Grades that failed, by reward: the first one is said as it happens, with its reason, and all are counted
 * at the end. A failed grade is no 0, so nothing else would show that a reward is broken.
 */
import { type AsyncGrader, type Grade, hasFailed } from '../../rewards/index.js';
import { counted } from '../../util/counted.js';
import { GuardError } from '../../util/errors.js';

interface Tally {
  grades: number;
  failed: number;
}

export class RewardFailures {
  private readonly tallies = new Map<string, Tally>();
  private readonly log: (line: string) => void;

  constructor(log: (line: string) => void) {
    this.log = log;
  }

  /** The same grader, watched. */
  watch(grade: AsyncGrader): AsyncGrader {
    return async (...args) => {
      const graded = await grade(...args);
      this.note(graded);
      return graded;
    };
  }

  /** Says how many grades of each reward failed; nothing where none did. */
  sayTotals(): void {
    for (const [name, { grades, failed }] of this.tallies) {
      if (failed > 0) this.log(`warning: reward ${name} failed in ${failed} of ${grades} grades`);
    }
  }

  private note({ parts }: Grade): void {
    for (const [name, { status, reason = 'it gives no reason' }] of Object.entries(parts)) {
      const tally = this.tallies.get(name) ?? { grades: 0, failed: 0 };
      this.tallies.set(name, tally);
      tally.grades += 1;
      if (!hasFailed(status)) continue;
      tally.failed += 1;
      if (tally.failed === 1) this.log(`warning: reward ${name} failed (${status}): ${reason}`);
    }
  }
}

/**
 * For the completions of a run, generation by generation: says of the first which rewards grade none of it, as where
 * rows lack the answers that they compare with.
 * @returns a function that throws GuardError while none could be graded because rewards fail
 */
export function gradedGuard(log: (line: string) => void): (grades: readonly Grade[]) => void {
  let isFirst = true;
  let hasGraded = false;
  return (grades) => {
    if (isFirst) sayIdle(grades, log);
    isFirst = false;
    hasGraded ||= grades.some(({ total }) => total !== null);
    const broken = hasGraded ? [] : alwaysFailed(grades);
    if (broken.length === 0) return;
    throw new GuardError({
      where: 'rewards',
      problem: `no completion could be graded: ${broken.join(', ')}`,
      remedy: 'Correct the reward; lorikeet grade tries it on rows',
    });
  };
}

function sayIdle(grades: readonly Grade[], log: (line: string) => void): void {
  for (const name of Object.keys(grades[0]?.parts ?? {})) {
    const parts = grades.map(({ parts }) => parts[name]!);
    if (parts.some(({ score, status }) => score !== null || hasFailed(status))) continue;
    log(
      `warning: reward ${name} gives none of the first ${counted(grades.length, 'completion')} a score. Have the rows the answer that it compares with?`,
    );
  }
}

/** The rewards that failed on all of these completions, with the reason of one: `x (boom)`. */
function alwaysFailed(grades: readonly Grade[]): string[] {
  return Object.keys(grades[0]?.parts ?? {}).flatMap((name) => {
    const parts = grades.map(({ parts }) => parts[name]!);
    const isBroken = parts.every(({ status }) => hasFailed(status));
    return isBroken ? [`${name} (${parts[0]!.reason ?? parts[0]!.status})`] : [];
  });
}
