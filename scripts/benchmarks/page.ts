/** The measurements as docs/benchmarks.md. */
import { shown, table, timesBetter } from '../measuring.js';
import { CASES, type Case } from './cases.js';

export interface Measurement {
  readonly name: string;
  readonly command: string;
  /** The JSON line that the command printed. */
  readonly result: Readonly<Record<string, unknown>>;
  /** The figure of each round, of which `result` is the best. */
  readonly rounds?: readonly number[];
}

export interface Measured {
  readonly name: string;
  readonly date: string;
  readonly ours: readonly Measurement[];
  readonly peers: readonly Measurement[];
}

/** How many times better than a peer, the best one where none is named; 1 for as good. */
function ratio(wanted: Case, measurement: Measurement, peers: readonly Measurement[]): string {
  const { field, higherIsBetter } = wanted;
  const against = wanted.ours.find(({ name }) => name === measurement.name)?.against;
  const compared = peers.filter(({ name }) => against === undefined || name === against);
  const values = compared.map(({ result }) => result[field] as number);
  const best = higherIsBetter ? Math.max(...values) : Math.min(...values);
  const own = measurement.result[field] as number;
  const times = `${timesBetter(own, best, higherIsBetter).toFixed(2)} ×`;
  return against === undefined ? times : `${times} ${against}`;
}

function section(wanted: Case, { date, ours, peers }: Measured): string {
  const row = (measurement: Measurement, isOurs: boolean) => {
    const { name, command, result } = measurement;
    const times = isOurs && peers.length > 0 ? ratio(wanted, measurement, peers) : '';
    const memory = shown(result.peak_rss_mib);
    const rounds = measurement.rounds?.map(shown).join(', ') ?? '–';
    return [name, shown(result[wanted.field]), times, rounds, memory, `\`${command}\``];
  };
  const goal = wanted.goal === null ? '' : ` The first row should reach ${wanted.goal} ×.`;
  return [
    `## ${wanted.title}`,
    '',
    `Measured ${date}; \`${wanted.field}\`, ${wanted.higherIsBetter ? 'more' : 'less'} is better.${goal}`,
    '',
    ...table(
      ['side', wanted.field, 'ratio to the best other', 'rounds', 'peak RSS, MiB', 'command'],
      [...ours.map((side) => row(side, true)), ...peers.map((side) => row(side, false))],
    ),
    '',
  ].join('\n');
}

/** @param more Lines of further sections. */
export function benchmarksPage(
  machine: string,
  results: readonly Measured[],
  more: readonly string[],
): string {
  const sections = CASES.flatMap((wanted) => {
    const found = results.find(({ name }) => name === wanted.name);
    return found === undefined ? [] : [section(wanted, found)];
  });
  return [
    '<!-- made by scripts/benchmarks/run.ts, do not edit -->',
    '# Benchmarks',
    '',
    'Lorikeet beside TRL, PEFT and transformers, each on the same work, on one machine. The model has',
    "SmolLM2-135M's shape with random weights (`scripts/peers/make_checkpoint.py`). `$MODEL` is its folder;",
    "`$TEXTMODEL` has the same weights and a tokenizer learnt from GSM8K, each digit a token of its own as SmolLM2's",
    "has it; `$ROWS` are the first 256 rows of GSM8K's training set. Random tokens come from `$MODEL`'s vocabulary.",
    'Each round runs every side in turn, since the speed of a shared',
    'machine changes within minutes; a figure of a round is the median of its measured steps, and each side',
    "counts with its best round, the better of PyTorch's types for the ratio. To measure again:",
    '',
    '```sh',
    'npm run build',
    'PYTHON=venv/bin/python npx tsx scripts/benchmarks/run.ts',
    '```',
    '',
    `Machine: ${machine}.`,
    '',
    ...sections,
    ...more,
  ].join('\n');
}
