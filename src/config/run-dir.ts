/** The folder of a run: the one that is asked for, else `outputs/` by its name, else by its id. */
import { join } from 'node:path';
import { InputError } from '../util/errors.js';

interface RunPlace {
  readonly output_dir: string | null;
  readonly run_name: string | null;
  readonly resume: string;
}

/** @throws InputError for `resume=auto` where no folder is named: that of a new run id holds nothing to go on with */
export function runDir({ output_dir, run_name, resume }: RunPlace, runId = '<run id>'): string {
  if (output_dir !== null) return output_dir;
  if (run_name !== null) return join('outputs', run_name);
  if (resume !== 'auto') return join('outputs', runId);
  throw new InputError({
    where: 'resume',
    problem: 'auto goes on with the run in output_dir, and neither output_dir nor run_name is set',
    remedy: 'Give output_dir=outputs/<run id>, the folder of the run to go on with',
  });
}

/** Whether a key says how to treat an earlier output, not what to make. */
export const isHandling = (key: string): boolean => key === 'resume' || key === 'overwrite';
