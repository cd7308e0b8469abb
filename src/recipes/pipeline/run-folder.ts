/** `run_YYYYMMDD_HHMMSS`: a pipeline's folder of its own in its root, so that runs stand side by side. */
import { join } from 'node:path';
import { namesIn } from '../../util/names-in.js';

const NAME = /^run_\d{8}_\d{6}$/;

/**
 * @param choice null: root itself; `latest`: the newest there, a new one where there is none; `new`; or a name
 * @example runFolder('rft_data', 'new', new Date('2026-01-31T23:59:58Z')) // 'rft_data/run_20260131_235958'
 */
export function runFolder(root: string, choice: string | null, now: Date): string {
  if (choice === null) return root;
  if (choice !== 'latest' && choice !== 'new') return join(root, choice);
  const names = namesIn(root).filter((name) => NAME.test(name));
  const latest = choice === 'latest' ? names.sort().at(-1) : undefined;
  return join(root, latest ?? stampedName(now));
}

function stampedName(now: Date): string {
  const [date = '', time = ''] = now
    .toISOString()
    .replace(/[-:]|\.\d+Z$/g, '')
    .split('T');
  return `run_${date}_${time}`;
}
