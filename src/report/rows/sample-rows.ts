/**
 * The completions of a run, read for a page. They may be more than memory holds: a few numbers of each are kept,
 * and the rows that the page shows are read when they are chosen.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { wholeRows } from '../../util/files.js';
import { eachChecked, type Fields } from '../../util/own-files.js';
import type { SampleRow } from './sample-row.js';

interface SampleOutline extends Pick<SampleRow, 'step' | 'prompt_id' | 'tokens' | 'reward'> {
  /** Names prompt and completion together: 48 bits of a hash. */
  readonly text: number;
}

export interface Samples {
  /** In the order of the file. */
  readonly outlines: readonly SampleOutline[];
  /** Rows by their places among the outlines. */
  readonly rowsAt: (places: readonly number[]) => ReadonlyMap<number, SampleRow>;
}

/** What a page shows of a completion. */
const FIELDS: Fields<SampleRow> = {
  step: 'number',
  prompt: 'string',
  completion: 'string',
  tokens: 'number',
  rewards: 'object',
  statuses: 'object',
};

/** None where there is no file. @throws InputError where a row is broken */
export function readSamples(path: string): Samples {
  const rows = (isWanted?: (place: number) => boolean) =>
    existsSync(path) ? eachChecked<SampleRow>(path, wholeRows(path, isWanted), FIELDS) : [];
  return {
    outlines: Array.from(rows(), outlineOf),
    rowsAt(places) {
      const wanted = new Set(places);
      const inOrder = [...wanted].sort((a, b) => a - b);
      const found = rows((place) => wanted.has(place));
      return new Map(Array.from(found, (row, i) => [inOrder[i]!, row]));
    },
  };
}

function outlineOf({ step, prompt_id, tokens, reward, prompt, completion }: SampleRow) {
  const hash = createHash('sha256').update(prompt).update('\0').update(completion).digest();
  return { step, prompt_id, tokens, reward, text: hash.readUIntBE(0, 6) };
}
