/** `<root>/report.html`: the stages of a pipeline or sweep with their results, and the runs they made. */
import {
  type Cell,
  duration,
  type Fact,
  type IntervalItem,
  isRunFolder,
  overlayCharts,
  type Report,
  type RunRows,
  readRun,
  runSections,
  type Section,
  textTable,
  writeReport,
} from '../../report/index.js';
import { counted } from '../../util/counted.js';
import { messageOf } from '../../util/errors.js';
import { groupBy } from '../../util/group.js';
import { isObject } from '../../util/json-object.js';
import { type CompareResult, examplesText } from '../compare.js';
import { pairedTables, strategyCells } from '../evaluation/paired-tables.js';
import { numbersOf } from './metrics.js';
import {
  type PipelineResult,
  pipelineFiles,
  type StageReport,
  summaryTable,
  targetTable,
} from './report.js';

/** Runs of one command beyond this many are drawn together, not one after the other. */
const SINGLE_RUNS = 3;

export interface PageOptions {
  /** What it is, before the name of its file. */
  readonly title: string;
  readonly metrics: readonly string[];
  /** Tables and charts of the whole, after the summary. */
  readonly sections: readonly Section[];
}

interface StageRun {
  readonly stage: StageReport;
  readonly run: RunRows;
}

/** What stages have compared, the targets, then the table of the stages, for a console. */
export function summaryText(result: PipelineResult, metrics: readonly string[]): string {
  const { header, rows } = summaryTable(result, metrics);
  const targets = targetTable(result.stages);
  const compared = result.stages.flatMap((stage) =>
    examplesText(comparisonOf(stage)).map((table) => `${stage.name}:\n${table}\n`),
  );
  const reached =
    targets.rows.length > 0 ? [`targets:\n${textTable(targets.header, targets.rows)}\n`] : [];
  return [...compared, ...reached, textTable(header, rows)].join('\n');
}

/** What a stage has compared; nothing of other stages. */
const comparisonOf = ({ command, result }: StageReport): Partial<CompareResult> =>
  command === 'compare' && isObject(result) ? result : {};

export function writePipelinePage(result: PipelineResult, options: PageOptions): void {
  writeReport(pipelineFiles(result.root).report, pipelinePage(result, options));
}

function pipelinePage(result: PipelineResult, { title, metrics, sections }: PageOptions): Report {
  const { runs, broken } = stageRuns(result.stages);
  const table = summaryTable(result, metrics);
  return {
    title: `${title} ${result.file}`,
    subtitle: result.root,
    sections: [
      { type: 'facts', title: 'Summary', facts: facts(result.stages) },
      { type: 'table', title: 'Stages', ...table },
      { type: 'table', title: 'Targets', ...targetTable(result.stages) },
      ...sections,
      ...result.stages.flatMap(comparisonSections),
      accuracies(result.stages),
      { type: 'phases', title: 'Time by stage', phases: secondsByStage(result.stages) },
      ...runGroups(runs),
      { type: 'table', title: 'Runs that cannot be shown', header: ['stage', 'why'], rows: broken },
    ],
  };
}

function facts(stages: readonly StageReport[]): Fact[] {
  const count = (...statuses: StageReport['status'][]) =>
    String(stages.filter(({ status }) => statuses.includes(status)).length);
  const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const stopped = stages.find(({ status }) => ['failed', 'interrupted', 'gated'].includes(status));
  return [
    { label: 'Stages', value: String(stages.length) },
    { label: 'Done', value: count('done', 'skipped') },
    { label: 'Time of all stages', value: duration(seconds) },
    ...(stopped === undefined
      ? []
      : [{ label: 'Stopped at', value: `${stopped.name} (${stopped.status})` }]),
  ];
}

const secondsByStage = (stages: readonly StageReport[]): Record<string, number> =>
  Object.fromEntries(stages.map(({ name, seconds }) => [name, seconds]));

/** Stages whose result has an accuracy with its interval. */
function accuracies(stages: readonly StageReport[]): Section {
  const items = stages.flatMap(({ name: label, result }): IntervalItem[] => {
    const numbers = numbersOf(result);
    const [value, low, high] = ['accuracy', 'accuracy_low', 'accuracy_high'].map((key) =>
      numbers.get(key),
    );
    if (value === undefined || low === undefined || high === undefined) return [];
    return [{ label, value, low, high }];
  });
  return {
    type: 'charts',
    title: 'Accuracy',
    note: 'Lines are the intervals of the evaluations.',
    charts: [{ type: 'intervals', title: 'Accuracy by stage', items }],
  };
}

function comparisonSections(stage: StageReport): Section[] {
  const { paired = [], column = 'correct', strategies } = comparisonOf(stage);
  const sections = paired.length === 0 ? [] : pairedTables(paired, column);
  if (strategies != null) {
    const { header, rows } = strategies;
    sections.push({ type: 'table', title: 'Accuracy', header, rows: strategyCells(rows) });
  }
  return sections.map((section) => ({
    ...section,
    title: `${stage.name}: ${section.title.toLowerCase()}`,
  }));
}

/** The run folders among the outputs; one that is broken is named and does not hide the others. */
function stageRuns(stages: readonly StageReport[]): {
  readonly runs: readonly StageRun[];
  readonly broken: readonly (readonly Cell[])[];
} {
  const runs: StageRun[] = [];
  const broken: Cell[][] = [];
  for (const stage of stages) {
    const { name, output, status } = stage;
    if (status === 'waiting' || output === null || !isRunFolder(output)) continue;
    try {
      runs.push({ stage, run: readRun(output) });
    } catch (error) {
      broken.push([name, messageOf(error)]);
    }
  }
  return { runs, broken };
}

function runGroups(runs: readonly StageRun[]): Section[] {
  const groups = groupBy(runs, ({ stage }) => stage.command);
  return [...groups].flatMap(([command, group]) => {
    if (group.length <= SINGLE_RUNS) {
      return group.flatMap(({ stage, run }) => runSections(run, stage.name));
    }
    const names = group.map(({ stage }) => stage.name);
    const drawn = group.map(({ run }) => run);
    const charts = overlayCharts(drawn, names);
    return [
      { type: 'charts', title: `${command}: ${counted(group.length, 'run')}`, charts } as const,
    ];
  });
}
