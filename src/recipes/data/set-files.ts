/** The files of a set: those of an earlier call go together, and the statistics, written last, say that all are whole. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';

export const STATS_FILE = 'dataset_stats.json';

/** Removes what an earlier call has left. */
export function removeFiles(folder: string, files: readonly string[]): void {
  for (const file of files) rmSync(join(folder, file), { force: true });
}
