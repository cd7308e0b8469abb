/** `run.json` of a run that a test makes up. */
import { join } from 'node:path';
import { writeJson } from '../../../src/util/files.js';

/** Writes it into the folder of the run. @param facts What the test is about, in place of the usual */
export function writeRunRecord(dir: string, facts: Readonly<Record<string, unknown>>): void {
  writeJson(join(dir, 'run.json'), {
    run_id: '20260101T000000Z-00000000',
    command: 'sft',
    status: 'done',
    started_at: '2026-01-01T00:00:00.000Z',
    config_hash: '00000000',
    phases: {},
    versions: {},
    seeds: {},
    results: {},
    resumes: [],
    files: [],
    ...facts,
  });
}
