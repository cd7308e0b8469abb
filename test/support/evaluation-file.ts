/** Files of an evaluation's run folder. */
import { join } from 'node:path';
import { readJson } from '../../src/util/files.js';

/** Where `eval` has put a run's rows, or what else ends with `end`. */
export function evaluationFile(runDir: string, end = '.jsonl'): string {
  const { run_id: id } = readJson(join(runDir, 'run.json')) as { run_id: string };
  return join(runDir, 'debug', `eval_${id}${end}`);
}
