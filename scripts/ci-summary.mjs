/**
 * Adds up vitest's JSON reports and prints `N passed, N failed, N skipped` as the last line.
 *
 * Usage: node scripts/ci-summary.mjs [--failed N] [--skipped N] REPORT…     the options add to the counts
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    failed: { type: 'string', default: '0' },
    skipped: { type: 'string', default: '0' },
  },
});

const counts = { passed: 0, failed: Number(values.failed), skipped: Number(values.skipped) };

/** A file that could not even be loaded has failed without a failed test in it. */
const brokenFiles = (report) =>
  report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  ).length;

for (const path of positionals) {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  counts.passed += report.numPassedTests;
  counts.failed += report.numFailedTests + brokenFiles(report);
  counts.skipped += report.numPendingTests + report.numTodoTests;
}

console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
