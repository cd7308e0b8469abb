/**
 * `lorikeet data tir-check`: runs the code of recorded solutions again, in the sandbox, and counts the recorded
 * outputs that come out character by character (tool-integrated reasoning; the form of ToRA, Gou et al. 2023,
 * arXiv 2309.17452). Blocks of one solution share their variables. Those that import what is not installed are
 * left out and counted.
 */
import { join } from 'node:path';
import type { DataConfig } from '../../config/index.js';
import { loadRows } from '../../data/index.js';
import { createPythonSandbox, type PythonSandbox } from '../../sandbox/index.js';
import { InputError } from '../../util/errors.js';
import { writeJson, writeJsonl } from '../../util/files.js';
import { groupBy } from '../../util/group.js';
import { limiter } from '../../util/limiter.js';
import type { RecipeContext } from '../context.js';
import { removeFiles, STATS_FILE } from './set-files.js';

const DISAGREEING = 'disagreements.jsonl';
export const TIR_CHECK_FILES = [DISAGREEING, STATS_FILE];

/** A block of code with its recorded output. */
interface RecordedBlock {
  /** Counted from 1. */
  readonly row: number;
  readonly code: string;
  readonly output: string;
}

interface ReplayedBlock extends RecordedBlock {
  /** What came out now: the output, or the last line of the traceback. */
  readonly found: string;
}

const OPENED = '^ {0,3}`{3,}\\w+[ \\t]*$';
/** No other block begins within one. */
const BODY = `(?:(?!${OPENED})[\\s\\S])*?`;
/**
 * An output ends before a fence on a line of its own, so that one within a printed line ends nothing; where there
 * is none before the next block, before the first fence within a line. Code ends by the fence before the output.
 */
const BLOCK = new RegExp(
  `\`{3}python\\n(${BODY})(?:^ {0,3})?\`{3,}\\s*\`{3}output\\n(${BODY}(?=^ {0,3}\`{3,}[ \\t]*$)|${BODY}(?!${OPENED})(?=\`{3}))`,
  'gm',
);

export function recordedBlocks(text: string, row: number): RecordedBlock[] {
  return [...text.matchAll(BLOCK)].map(([, code = '', output = '']) => {
    return { row, code, output: output.trim() };
  });
}

const importsOf = (code: string): string[] =>
  [...code.matchAll(/^\s*(?:from|import)\s+(\w+)/gm)].map(([, name = '']) => name);

async function replayRow(
  blocks: readonly RecordedBlock[],
  { sandbox, timeoutMs }: { readonly sandbox: PythonSandbox; readonly timeoutMs: number },
): Promise<ReplayedBlock[]> {
  const session = await sandbox.openSession();
  const replayed: ReplayedBlock[] = [];
  try {
    for (const block of blocks) {
      const { stdout, error } = await session.run({ code: block.code, showLast: true, timeoutMs });
      replayed.push({ ...block, found: (error ?? stdout).trim() });
    }
    return replayed;
  } finally {
    await session.close();
  }
}

async function replay(
  blocks: readonly RecordedBlock[],
  { workers, timeout_s }: DataConfig['tir_check'],
  sandbox: PythonSandbox,
): Promise<ReplayedBlock[]> {
  const working = limiter(workers);
  const rows = [...groupBy(blocks, ({ row }) => row).values()];
  const options = { sandbox, timeoutMs: timeout_s * 1000 };
  return (await Promise.all(rows.map((own) => working(() => replayRow(own, options))))).flat();
}

/** @throws InputError without rows or recorded outputs; SetupError without a sandbox */
export async function checkTir(config: DataConfig, folder: string, context: RecipeContext) {
  const { input, column, sandbox: isolation, workers } = config.tir_check;
  if (input === null) {
    const remedy = 'Give tir_check.input=FILE, e.g. train.jsonl of data numina-tir';
    throw new InputError({ where: 'tir_check.input', problem: 'missing', remedy });
  }
  const sandbox = await createPythonSandbox({ isolation, workers, preload: ['sympy'] });
  try {
    const { rows } = await loadRows(input);
    const blocks = rows.flatMap((row, i) => recordedBlocks(String(row[column] ?? ''), i + 1));
    if (blocks.length === 0) {
      throw new InputError({
        where: input,
        problem: `none of its rows (${rows.length}) has a block of code with an output in ${column}`,
        remedy: 'Name the column of the solutions by tir_check.column',
      });
    }
    const missing = await sandbox.missing();
    const usable = blocks.filter(
      ({ code }) => !importsOf(code).some((name) => missing.includes(name)),
    );
    const replayed = await replay(usable, config.tir_check, sandbox);
    const wrong = replayed.filter(({ output, found }) => output !== found);
    const counts = {
      rows: rows.length,
      blocks: blocks.length,
      replayed: replayed.length,
      agree: replayed.length - wrong.length,
    };
    return written(folder, { wrong, counts, python: sandbox.python, missing }, context);
  } finally {
    await sandbox.dispose();
  }
}

interface Checked {
  readonly wrong: readonly ReplayedBlock[];
  readonly counts: Readonly<Record<'rows' | 'blocks' | 'replayed' | 'agree', number>>;
  readonly python: string;
  readonly missing: readonly string[];
}

function written(folder: string, { wrong, counts, ...facts }: Checked, context: RecipeContext) {
  removeFiles(folder, TIR_CHECK_FILES);
  writeJsonl(join(folder, DISAGREEING), wrong);
  writeJson(join(folder, STATS_FILE), { name: 'tir-check', ...counts, ...facts });
  const { blocks, replayed, agree } = counts;
  const without = blocks === replayed ? '' : `, ${blocks - replayed} left out (${facts.missing})`;
  context.log(`tir-check: ${agree} of ${replayed} recorded outputs come out again${without}`);
  return { output_dir: folder, rows: counts };
}
