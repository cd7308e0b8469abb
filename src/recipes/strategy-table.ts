/** Evaluations as a table of accuracy: a row for each benchmark, a column for each strategy. */
import { type Cell, percent, readRunRecord, textTable, writeTable } from '../report/index.js';
import { InputError } from '../util/errors.js';
import type { JsonRow } from '../util/files.js';

interface Entry {
  readonly benchmark: string;
  readonly strategy: string;
  readonly accuracy: number;
  readonly size: number;
}

/** `majority_vote` with n samples is SC@n (self-consistency, X. Wang et al. 2023, arXiv 2203.11171). */
function strategyName(config: JsonRow): string {
  const { strategy, strategy_samples: samples } = config;
  if (strategy === 'majority_vote') return `SC@${samples ?? 8}`;
  return samples === null || strategy === 'greedy' ? String(strategy) : `${strategy}@${samples}`;
}

function entryOf(folder: string): Entry {
  const record = readRunRecord(folder) as { config?: JsonRow; results?: JsonRow } | null;
  const { config, results } = record ?? {};
  if (typeof config?.benchmark === 'string' && typeof results?.accuracy === 'number') {
    const { benchmark } = config;
    const size = Number(results.eval_size);
    return { benchmark, strategy: strategyName(config), accuracy: results.accuracy, size };
  }
  throw new InputError({
    where: folder,
    problem: 'a table needs finished runs of lorikeet eval',
    remedy: 'Leave table out, or give their folders',
  });
}

/** Writes the table and returns it as text. @throws InputError on a folder that is no evaluation */
export function writeStrategyTable(path: string, folders: readonly string[]): string {
  const entries = folders.map(entryOf);
  const strategies = [...new Set(entries.map(({ strategy }) => strategy))];
  const rows = [...new Set(entries.map(({ benchmark }) => benchmark))].map((benchmark) => {
    const own = entries.filter((entry) => entry.benchmark === benchmark);
    const cells = strategies.map((name) => {
      const found = own.find(({ strategy }) => strategy === name);
      return [name, found?.accuracy ?? null] as const;
    });
    return { benchmark, n: own[0]?.size ?? 0, ...Object.fromEntries(cells) } as JsonRow;
  });
  writeTable(path, rows, ['benchmark', 'n', ...strategies]);
  const shown = rows.map((row): Cell[] => [
    String(row.benchmark),
    Number(row.n),
    ...strategies.map((name) => (typeof row[name] === 'number' ? percent(row[name]) : '')),
  ]);
  return textTable(['benchmark', 'n', ...strategies], shown);
}
