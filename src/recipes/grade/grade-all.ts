/** Grades many samples, so many at a time. */
import { withProgress } from '../../report/index.js';
import type { GradedSample, GraderOutcome, JsonGrader } from '../../rewards/index.js';

interface GradeAllOptions {
  readonly grade: JsonGrader;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** Silent where the caller shows its own progress. */
  readonly progress?: 'auto' | 'silent';
}

export interface TimedOutcome {
  readonly outcome: GraderOutcome;
  readonly seconds: number;
}

/** Outcomes in the order of the samples. @throws the signal's reason when it is aborted. */
export async function gradeAll(
  samples: readonly GradedSample[],
  { grade, concurrency, signal, progress: mode = 'auto' }: GradeAllOptions,
): Promise<TimedOutcome[]> {
  const outcomes = new Array<TimedOutcome>(samples.length);
  await withProgress({ label: 'grading', total: samples.length, mode }, async (progress) => {
    let next = 0;
    let done = 0;
    const work = async () => {
      while (next < samples.length) {
        signal.throwIfAborted();
        const index = next++;
        const start = performance.now();
        const outcome = await grade(samples[index]!);
        outcomes[index] = { outcome, seconds: (performance.now() - start) / 1000 };
        progress.update(++done);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  });
  return outcomes;
}
