/** Work in a run folder that is open. */
import { endRun, type RunFolder } from '../../report/index.js';
import type { RecipeContext } from '../context.js';
import { unfinished } from '../interrupt.js';

/** What `work` gives, which ends the run itself when it is done; where it fails, the run ends by that. */
export async function inRun<Result>(
  run: RunFolder,
  { signal, log }: Pick<RecipeContext, 'signal' | 'log'>,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    endRun(run, { status: unfinished(signal), error, log });
    throw error;
  }
}
