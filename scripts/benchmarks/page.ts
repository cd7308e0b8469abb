/** The measurements as docs/benchmarks.md. */
import { shown, table, timesBetter } from '../measuring.js';
import { CASES, type Case } from './cases.js';
import type { Learning, LearningRow, Machine, Measured, Measurement } from './results.js';

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

function section(wanted: Case, { date, versions, ours, peers }: Measured): string {
  const row = (measurement: Measurement, isOurs: boolean) => {
    const { name, command, result } = measurement;
    const times = isOurs && peers.length > 0 ? ratio(wanted, measurement, peers) : '';
    const memory = shown(result.peak_rss_mib);
    const rounds = measurement.rounds?.map(shown).join(', ') ?? '–';
    return [name, shown(result[wanted.field]), times, rounds, memory, `\`${command}\``];
  };
  const goal = wanted.goal === null ? '' : ` The first row should reach ${wanted.goal} ×.`;
  return [
    `### ${wanted.title}`,
    '',
    `Measured ${date} with ${versions}; \`${wanted.field}\`, ${wanted.higherIsBetter ? 'more' : 'less'} is better.${goal}`,
    '',
    ...table(
      ['side', wanted.field, 'ratio to the best other', 'rounds', 'peak RSS, MiB', 'command'],
      [...ours.map((side) => row(side, true)), ...peers.map((side) => row(side, false))],
    ),
    '',
  ].join('\n');
}

const learned = ({ name, keys, measure, start, end, steps }: LearningRow) => [
  ...[name, measure, start.toFixed(3), end.toFixed(3), steps],
  keys === '' ? '' : `\`${keys}\``,
];

const learning = ({ date, rows }: Learning): string =>
  [
    '### Learning',
    '',
    `Measured ${date} by \`npm run test:learning\`: each trainer on the decoder and the data of the quickstart. DPO`,
    'and GRPO begin with the same SFT model, GRPO with int8 rollouts and one row a seed. The pairs of DPO are those',
    'of [preference-pairs.ts](../test/learning/preference-pairs.ts). No guard and no alarm spoke up.',
    '',
    ...table(
      ['trainer', 'measure', 'start', 'end', 'steps', 'keys beside configs/quickstart'],
      rows.map(learned),
    ),
    '',
  ].join('\n');

/** The machine's sections in the order of the cases. */
const machineSections = (machine: Machine): string[] => [
  `## ${machine.hardware}`,
  '',
  ...CASES.flatMap((wanted) => {
    const found = machine.results.find(({ name }) => name === wanted.name);
    return found === undefined ? [] : [section(wanted, found)];
  }),
  ...(machine.learning === undefined ? [] : [learning(machine.learning)]),
];

const instructions = (hardware: string): string =>
  hardware.includes('amx') ? 'AMX' : hardware.includes('avx512f') ? 'AVX-512' : 'AVX2';

/** How many times better Lorikeet is than the best of other programs, by machine; a dash for what is not measured. */
export function overview(machines: readonly Machine[]): string {
  const heads = machines.map(
    ({ hardware }) => `${hardware.slice(0, hardware.indexOf(','))}, ${instructions(hardware)}`,
  );
  const rows = CASES.filter(({ peers }) => peers.some(({ command }) => command === 'python')).map(
    (wanted) => [
      wanted.title,
      ...machines.map(({ results }) => {
        const found = results.find(({ name }) => name === wanted.name);
        return found === undefined ? '–' : ratio(wanted, found.ours[0]!, found.peers);
      }),
    ],
  );
  return table(['times as good', ...heads], rows).join('\n');
}

export const benchmarksPage = (machines: readonly Machine[]): string =>
  [
    '<!-- made by scripts/benchmarks/run.ts, do not edit -->',
    '# Benchmarks',
    '',
    'Lorikeet beside TRL, PEFT and transformers, each on the same work, on one machine. The model has',
    "SmolLM2-135M's shape with random weights (`scripts/peers/make_checkpoint.py`). `$MODEL` is its folder;",
    "`$TEXTMODEL` has the same weights and a tokenizer learnt from GSM8K, each digit a token of its own as SmolLM2's",
    "has it; `$ROWS` are the first 256 rows of GSM8K's training set. Random tokens come from `$MODEL`'s vocabulary.",
    'Each round runs every side in turn, since the speed of a shared machine changes within minutes; a figure of a',
    'round is the median of its measured steps, and each side counts with its best round, the better of',
    "PyTorch's types for the ratio. Where the processor does not multiply bfloat16, PyTorch emulates it, and only",
    'float32 is measured. To measure again:',
    '',
    '```sh',
    'npm run build',
    'PYTHON=venv/bin/python npx tsx scripts/benchmarks/run.ts',
    '```',
    '',
    ...machines.flatMap(machineSections),
  ].join('\n');
