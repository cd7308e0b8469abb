/** The quickstart's page: accuracies with intervals, and the curves and completions of each stage. */
import { join } from 'node:path';
import {
  duration,
  percent,
  type Report,
  readRun,
  runSections,
  type Section,
} from '../../report/index.js';
import type { EvalResult } from '../eval.js';
import type { QuickstartStage, QuickstartSummary } from '../quickstart.js';

const NOTES: Readonly<Record<QuickstartStage, string>> = {
  base: 'random weights',
  sft: 'full training on demonstrations',
  grpo: 'LoRA on the SFT model, rewards from its own rollouts',
  dpo: 'LoRA on the SFT model, pairs of its own completions',
};

export function quickstartReport(
  root: string,
  {
    summary,
    evaluations,
  }: {
    readonly summary: QuickstartSummary;
    readonly evaluations: ReadonlyMap<QuickstartStage, EvalResult>;
  },
): Report {
  const curves = (['sft', 'grpo', 'dpo'] as const).flatMap((stage) =>
    runSections(readRun(join(root, stage)), stage.toUpperCase()),
  );
  return {
    title: 'Lorikeet quickstart',
    subtitle: `seed ${summary.seed} · ${summary.eval_size} held-out problems · ${duration(summary.seconds)}`,
    sections: [accuracyChart(evaluations), accuracyTable(evaluations), ...curves],
  };
}

function accuracyChart(evaluations: ReadonlyMap<QuickstartStage, EvalResult>): Section {
  return {
    type: 'charts',
    title: 'Accuracy on held-out problems',
    note: 'Greedy decoding; lines are 95% Wilson intervals.',
    charts: [
      {
        type: 'intervals',
        title: 'Accuracy',
        items: [...evaluations].flatMap(([label, result]) => {
          const { accuracy: value, accuracy_low: low, accuracy_high: high } = result;
          return value === null || low === null || high === null
            ? []
            : [{ label, value, low, high }];
        }),
      },
    ],
  };
}

function accuracyTable(evaluations: ReadonlyMap<QuickstartStage, EvalResult>): Section {
  return {
    type: 'table',
    title: 'The four models',
    header: ['model', 'what it is', 'accuracy', 'format', 'mean tokens'],
    rows: [...evaluations].map(([stage, result]) => [
      stage,
      NOTES[stage],
      percent(result.accuracy),
      percent(result.format_rate),
      result.mean_length.toFixed(1),
    ]),
  };
}
