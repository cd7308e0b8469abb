/** The report of one run, made from the rows in its folder. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError } from '../util/errors.js';
import { readWholeRows } from '../util/files.js';
import { checkedRows, type Fields } from '../util/own-files.js';
import { pickExamples, stepCompletions, toExample } from './examples.js';
import { metricCharts } from './metric-charts.js';
import type { MetricRow } from './metric-log.js';
import type { Fact, Report, Section } from './report-types.js';
import { readRunRecord, samplesPath } from './run-files.js';
import type { RunRecord } from './run-record.js';
import type { SampleRow } from './sample-log.js';
import { duration, formatCell, shortHash } from './text-table.js';

/** Results that also stand at the top where a table has them. */
const HEADLINES = ['accuracy'];
/** Completions shown. */
const EXAMPLES = 12;

/** How far a run is. */
interface RunProgress {
  readonly dir: string;
  readonly record: RunRecord;
  readonly metrics: readonly MetricRow[];
}

export interface RunRows extends RunProgress {
  readonly configText: string;
  readonly samples: readonly SampleRow[];
}

/** @throws InputError when `dir` is not the folder of a run, or a row in it is broken */
export function readRun(dir: string): RunRows {
  const progress = readProgress(dir);
  const config = join(dir, 'config.yaml');
  return {
    ...progress,
    configText: existsSync(config) ? readFileSync(config, 'utf8') : '',
    samples: rowsIn<SampleRow>(samplesPath(dir), SAMPLE_FIELDS),
  };
}

/** The same without its completions, which may be many. @throws InputError as `readRun` */
export function readProgress(dir: string): RunProgress {
  const record = readRunRecord(dir);
  if (record === null) {
    throw new InputError({
      where: dir,
      problem: 'is not the folder of a run (no run.json)',
      remedy: 'Give the output_dir of a finished or running command',
    });
  }
  const metrics = rowsIn<MetricRow>(join(dir, 'metrics.jsonl'), { step: 'number' });
  return { dir, record, metrics };
}

/** What the page shows of a completion. */
const SAMPLE_FIELDS: Fields<SampleRow> = {
  step: 'number',
  prompt: 'string',
  completion: 'string',
  tokens: 'number',
  rewards: 'object',
  statuses: 'object',
};

/** A last line without a line break is one that is being written, or was when the run was killed. */
const rowsIn = <T>(path: string, fields: Fields<T>): T[] =>
  existsSync(path) ? checkedRows<T>(path, readWholeRows(path), fields) : [];

/** The whole page of one run; `extra` sections (an evaluation table, …) stand after the summary. */
export function runReport(run: RunRows, extra: readonly Section[] = []): Report {
  const { record, samples } = run;
  return {
    title: titleOf(record),
    subtitle: `${record.run_id} · ${record.status} · started ${minuteOf(record.started_at)}`,
    sections: [
      { type: 'facts', title: 'Summary', facts: runFacts(run, tabledNames(extra)) },
      { type: 'text', title: 'Why it ended', text: record.error ?? '', isOpen: true },
      ...alarmTable(record),
      ...extra,
      ...runSections(run),
      { type: 'phases', title: 'Where the time went', phases: record.phases },
      { type: 'text', title: 'Config', text: run.configText },
      stepCompletions(samples, basename(samplesPath(run.dir))),
    ],
  };
}

const titleOf = ({ command, stage }: RunRecord): string =>
  stage === null || stage === command ? command : `${command} (${stage})`;

/** "2026-01-02T03:04:05.678Z" → "2026-01-02 03:04 UTC" */
function minuteOf(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

/** Curves, completion lengths and example completions of one run, for pages with several runs. */
export function runSections(run: Pick<RunRows, 'metrics' | 'samples'>, prefix = ''): Section[] {
  const { metrics, samples } = run;
  const lengths = samples.map(({ tokens }) => tokens);
  const title = (name: string) => (prefix === '' ? name : `${prefix}: ${name.toLowerCase()}`);
  return [
    {
      type: 'charts',
      title: title('Curves'),
      note: 'Where a line is faint with a bold one over it, the bold one is a moving average.',
      charts: metricCharts(metrics),
    },
    {
      type: 'charts',
      title: title('Completion lengths'),
      charts: [
        {
          type: 'histogram',
          title: 'Sampled tokens of each completion',
          xName: 'tokens',
          values: lengths,
        },
      ],
    },
    {
      type: 'examples',
      title: title('Example completions'),
      note: `From ${samples.length} sampled completions, spread evenly over the ranking, best first.`,
      examples: pickExamples(samples, EXAMPLES).map(toExample),
    },
  ];
}

/** The alarms that sounded, if any did. */
function alarmTable({ alarms = [] }: RunRecord): Section[] {
  if (alarms.length === 0) return [];
  const header = ['name', 'step', 'metric', 'value', 'bound'];
  const rows = alarms.map((alarm) => header.map((key) => alarm[key] ?? null));
  return [{ type: 'table', title: 'Alarms', header, rows }];
}

const tabledNames = (sections: readonly Section[]): ReadonlySet<string> =>
  new Set(
    sections.flatMap((section) =>
      section.type === 'table' ? section.rows.map(([name]) => String(name)) : [],
    ),
  );

/** @param tabled Results that a table of the page has. */
function runFacts({ record, metrics, samples }: RunRows, tabled: ReadonlySet<string>): Fact[] {
  const seconds = Object.values(record.phases).reduce((sum, value) => sum + value, 0);
  const counts: Fact[] = [
    { label: 'Steps', value: String(metrics.at(-1)?.step ?? 0) },
    { label: 'Completions', value: String(samples.length) },
  ];
  const facts = counts.filter(({ value }) => value !== '0');
  facts.push({ label: 'Time', value: duration(seconds) });
  if (record.device !== null) facts.push({ label: 'Device', value: record.device });
  for (const [name, value] of Object.entries(record.results)) {
    const isShown = tabled.has(name) && !HEADLINES.includes(name);
    if (name === 'steps' || value === null || isShown) continue;
    const label = name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');
    facts.push({ label, value: shortHash(formatCell(value)) });
  }
  return facts;
}
