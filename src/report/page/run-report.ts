/** The report of one run, made from the rows in its folder. */
import { basename } from 'node:path';
import { counted } from '../../util/counted.js';
import { sum } from '../../util/numbers.js';
import type { RunRows } from '../run/read-run.js';
import { samplesPath } from '../run/run-files.js';
import type { RunRecord } from '../run/run-record.js';
import { duration, metricText, shortHash } from '../text-table.js';
import { pickExamples, stepCompletions } from './examples.js';
import { metricCharts } from './metric-charts.js';
import type { Fact, Report, Section } from './report-types.js';

/** Results that also stand at the top where a table has them. */
const HEADLINES = ['accuracy'];
/** Completions shown. */
const EXAMPLES = 12;

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
const minuteOf = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;

/** Curves, completion lengths and example completions of one run, for pages with several runs. */
export function runSections(run: Pick<RunRows, 'metrics' | 'samples'>, prefix = ''): Section[] {
  const { metrics, samples } = run;
  const lengths = samples.outlines.map(({ tokens }) => tokens);
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
      note: `From ${counted(lengths.length, 'sampled completion')}, spread evenly over the ranking, best first.`,
      examples: pickExamples(samples, EXAMPLES),
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
  const seconds = sum(Object.values(record.phases));
  const counts: Fact[] = [
    { label: 'Steps', value: String(metrics.at(-1)?.step ?? 0) },
    { label: 'Completions', value: String(samples.outlines.length) },
  ];
  const facts = counts.filter(({ value }) => value !== '0');
  facts.push({ label: 'Time', value: duration(seconds) });
  if (record.device !== null) facts.push({ label: 'Device', value: record.device });
  for (const [name, value] of Object.entries(record.results)) {
    const isShown = tabled.has(name) && !HEADLINES.includes(name);
    if (name === 'steps' || value === null || isShown) continue;
    const label = name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');
    facts.push({ label, value: shortHash(metricText(name, value)) });
  }
  return facts;
}
