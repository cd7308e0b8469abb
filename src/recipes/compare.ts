/** `lorikeet compare RUN…`: results, last metrics and config differences of runs side by side. */
import type { CompareConfig } from '../config/index.js';
import {
  type Comparison,
  compareRuns,
  comparisonText,
  writeReport,
  writeTable,
} from '../report/index.js';
import type { RecipeContext } from './context.js';
import { checkOutput } from './rows-output.js';

export async function runCompare(config: CompareConfig, context: RecipeContext): Promise<void> {
  checkOutput(config);
  const comparison = compareRuns(config.inputs);
  context.print(comparisonText(comparison));
  if (config.output === null) return;
  if (config.output.endsWith('.html')) writeReport(config.output, comparison.report);
  else writeTable(config.output, tableRows(comparison), ['kind', 'name', ...comparison.names]);
  context.log(`comparison in ${config.output}`);
}

/** One row per result, metric or config key; one column per run. */
function tableRows({ results, metrics, config }: Comparison) {
  return Object.entries({ results, metrics, config }).flatMap(([kind, { header, rows }]) =>
    rows.map(([name, ...cells]) => ({
      kind,
      name,
      ...Object.fromEntries(cells.map((cell, i) => [String(header[i + 1]), cell])),
    })),
  );
}
