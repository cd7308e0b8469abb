/** What the checks of a grader found, as text for people. */
import { textTable } from '../../report/index.js';
import type { GoldReport } from './gold.js';
import type { StressReport } from './stress.js';

export function goldTable(reports: readonly GoldReport[]): string {
  const rows = reports.map(({ name, split, rewards, rows: count, failures, skipped }) => [
    ...[name, split, rewards.join(' + '), count, failures],
    skipped === null ? (failures === 0 ? 'full' : 'NOT FULL') : `skipped: ${skipped}`,
  ]);
  return textTable(
    ['data set', 'split', 'graded by', 'rows', 'failures', 'reference answers'],
    rows,
  );
}

export function stressTable({ attacks, leaking }: StressReport): string {
  const rows = attacks.map((each) => [
    ...[each.attack, each.rows, each.mean_score, each.max_score],
    ...[each.leaks, each.failed, each.max_seconds],
    each.leaks > 0 ? 'LEAKS' : '',
  ]);
  const header = ['attack', 'rows', 'mean', 'max', 'leaks', 'failed', 'max s', ''];
  const verdict = leaking.length === 0 ? 'No attack leaks.' : `Leaking: ${leaking.join(', ')}.`;
  return `${textTable(header, rows)}\n${verdict}`;
}
