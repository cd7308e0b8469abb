/** The files below a folder, each found and read by the parts of its path. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { type JsonRow, readJson, readJsonl } from '../../src/util/files.js';

export function filesIn(dir: string) {
  const at = (...names: string[]) => join(dir, ...names);
  return {
    dir,
    at,
    json: (...names: string[]) => readJson(at(...names)) as JsonRow,
    jsonl: (...names: string[]) => readJsonl(at(...names)),
    csv: (...names: string[]): Record<string, string>[] =>
      parse(readFileSync(at(...names)), { columns: true }),
  };
}
