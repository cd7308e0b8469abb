/** The folder of a run: the one that is asked for, else `outputs/` by its name, else by its id. */
import { join } from 'node:path';

export const runDir = (
  {
    output_dir,
    run_name,
  }: { readonly output_dir: string | null; readonly run_name: string | null },
  runId = '<run id>',
): string => output_dir ?? join('outputs', run_name ?? runId);
