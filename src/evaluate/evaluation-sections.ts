/** An evaluation on a report page: its metrics, its tables, and its completions to read through. */
import { basename } from 'node:path';
import {
  type Completion,
  completionsSection,
  duration,
  type Fact,
  formatCell,
  metricText,
  reasonFacts,
  rewardParts,
  type Section,
  shownPrompts,
} from '../report/index.js';
import { groupBy } from '../util/group.js';
import type { EvalRow } from './eval-row.js';
import type { Evaluation } from './evaluate.js';
import { groupTableCells } from './summary.js';
import type { EvaluationFiles } from './write-evaluation.js';

/** @param files of the evaluation in the run's folder */
export function evaluationSections(
  { metrics, tables, rows }: Evaluation,
  { jsonl }: Pick<EvaluationFiles, 'jsonl'>,
): Section[] {
  const prompts = [...groupBy(rows, ({ id }) => id)].map(([id, [first, ...others]]) => ({
    label: id,
    prompt: first!.question,
    gold: first!.gold,
    completions: [first!, ...others].map(completionOf),
  }));
  return [
    {
      type: 'table',
      title: 'Evaluation',
      header: ['metric', 'value'],
      rows: Object.entries(metrics)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => [name, metricText(name, value)]),
    },
    ...tables.map(
      (table): Section => ({
        type: 'table',
        title: `Accuracy by ${table.column}`,
        ...groupTableCells(table),
      }),
    ),
    completionsSection({
      title: 'Evaluated completions',
      ...shownPrompts(prompts.map((prompt) => [prompt])),
      file: `debug/${basename(jsonl)}`,
    }),
  ];
}

function completionOf(row: EvalRow): Completion {
  const { completion, correct, reward, parts = {} } = row;
  const scores = Object.entries(parts).map(([name, score]) => ({ name, score, status: 'ok' }));
  return {
    completion,
    correct,
    facts: [...factsOf(row), ...reasonFacts(row)],
    parts: [...scores, ...rewardParts(row)],
    ...(reward !== null && { reward }),
  };
}

function factsOf(row: EvalRow): Fact[] {
  const { answer, flexible_answer: flexible, status, strategy } = row;
  const facts = {
    run: row.run,
    answer,
    'last number': flexible === answer ? null : flexible,
    score: row.score,
    status: status === 'ok' ? null : status,
    reason: row.reason,
    tokens: row.tokens,
    finish: row.finish_reason,
    'mean log-probability': row.logprob_mean,
    candidates: strategy?.candidates,
    agreement: strategy?.agreement,
    'stopped by': strategy?.stopped,
    time: duration(row.seconds),
  };
  return Object.entries(facts).flatMap(([label, value]) =>
    value === null || value === undefined ? [] : [{ label, value: formatCell(value) }],
  );
}
