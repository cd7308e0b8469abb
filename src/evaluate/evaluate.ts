/** Evaluation: completions for rows, graded one by one, and metrics over them. */
import {
  gradeColumns,
  type SampledCompletion,
  sampledTokens,
  toolColumns,
} from '../report/index.js';
import type { AsyncGrader, Grader, RewardRow } from '../rewards/index.js';
import { counted } from '../util/counted.js';
import { RunError } from '../util/errors.js';
import { groupBy } from '../util/group.js';
import { mean } from '../util/numbers.js';
import type { AnswerGrader } from './answer-grade.js';
import type { EvalRow, StrategyFacts } from './eval-row.js';
import { cellOf, type GroupTable, groupTables } from './group-tables.js';
import type { AnswerJudge } from './judged-grade.js';
import { type EvalMetrics, evalMetrics } from './metrics.js';
import { isGiven } from './row-key.js';

/** One example to complete. */
interface EvalItem {
  /** Unique in the evaluation; a completion names it as `requestId`. */
  readonly id: string;
  readonly index: number;
  readonly row: RewardRow;
}

/** Gives `samples` completions for each item, in any order; a sampler or anything around one. */
export type Complete = (
  items: readonly EvalItem[],
  options: { readonly samples: number; readonly signal?: AbortSignal },
) => Promise<readonly SampledCompletion[]>;

export interface EvaluateOptions {
  readonly rows: readonly RewardRow[];
  readonly complete: Complete;
  readonly grade: AnswerGrader;
  /** Says what is correct; `grade` then reads answers only. */
  readonly judge?: AnswerJudge;
  /** Rewards to record beside the grade. */
  readonly rewards?: Grader | AsyncGrader;
  /** Completions for each row; 1 by default. */
  readonly samples?: number;
  /** pass@k for these k; needs as many samples. */
  readonly passAt?: readonly number[];
  /** maj@k for these k; needs as many samples. */
  readonly majorityAt?: readonly number[];
  /** Columns of the rows that tables of accuracy are made by, where they have several values. */
  readonly groups?: readonly string[];
  /** What a completion of a strategy says beside its text, by the item's id. */
  readonly factsOf?: (id: string) => StrategyFacts | undefined;
  readonly signal?: AbortSignal;
}

export interface Evaluation {
  readonly rows: readonly EvalRow[];
  readonly metrics: EvalMetrics;
  readonly tables: readonly GroupTable[];
}

/**
 * Rows in order of example, then of sample.
 * @throws the signal's reason when it is aborted: nothing is graded in part
 * @throws RunError when `complete` returns too few completions, or an id it was not given
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { samples = 1, groups = [], signal, complete } = options;
  const items = options.rows.map((row, index) => ({ id: String(index), index, row }));
  const names = namesOf(options.rows);
  const start = performance.now();
  signal?.throwIfAborted();
  const completions = await complete(items, { samples, ...(signal && { signal }) });
  signal?.throwIfAborted();
  const rows = await gradeAll(items, completions, { ...options, samples, names });
  signal?.throwIfAborted();
  const seconds = (performance.now() - start) / 1000;
  const { passAt = [], majorityAt = [] } = options;
  const tables = groupTables(rows, {
    columns: groups,
    columnOf: ({ index }, column) => cellOf(options.rows[index], column),
  });
  return {
    rows,
    tables,
    metrics: { ...evalMetrics(rows, { samples, passAt, majorityAt }), seconds },
  };
}

type Grading = Pick<EvaluateOptions, 'grade' | 'judge' | 'rewards' | 'factsOf'> & {
  readonly samples: number;
  /** Of the rows, by index. */
  readonly names: readonly string[];
};

/** What names each row in files: its `id`, or the index of all of them where these do not tell them apart. */
function namesOf(rows: readonly RewardRow[]): readonly string[] {
  const own = rows.flatMap(({ id }) => (isGiven(id) ? String(id) : []));
  return new Set(own).size === rows.length ? own : rows.map((_, index) => String(index));
}

async function gradeAll(
  items: readonly EvalItem[],
  completions: readonly SampledCompletion[],
  grading: Grading,
): Promise<EvalRow[]> {
  const byItem = groupBy(completions, ({ requestId }) => requestId);
  const rows = items.flatMap((item) => {
    const own = byItem.get(item.id) ?? [];
    if (own.length !== grading.samples) {
      const problem = `example ${item.id} got ${counted(own.length, 'completion')}, not ${grading.samples}`;
      throw new RunError({ where: 'evaluate', problem });
    }
    return own
      .toSorted((a, b) => a.sampleIndex - b.sampleIndex)
      .map((completion) => evalRow(item, completion, grading));
  });
  if (rows.length !== completions.length) {
    throw new RunError({ where: 'evaluate', problem: 'a completion has an unknown request id' });
  }
  return await Promise.all(rows);
}

async function evalRow(
  item: EvalItem,
  completion: SampledCompletion,
  grading: Grading,
): Promise<EvalRow> {
  const { row, index, id } = item;
  const { text } = completion;
  const [verdict, reward] = await Promise.all([
    grading.judge?.(text, row),
    grading.rewards?.(text, row, { ids: completion.ids }),
  ]);
  const strategy = grading.factsOf?.(id);
  return {
    index,
    id: grading.names[index]!,
    sample_index: completion.sampleIndex,
    question: questionOf(row),
    completion: text,
    ...grading.grade(text, row),
    ...verdict,
    reward: reward?.total ?? null,
    ...gradeColumns(reward ?? { parts: {} }),
    finish_reason: completion.finishReason,
    truncated: completion.finishReason === 'length',
    tokens: sampledTokens(completion),
    logprob_mean: mean(completion.logprobs),
    adapter: completion.adapter,
    seconds: completion.seconds,
    ...toolColumns(completion),
    ...(strategy && { strategy }),
  };
}

/** The question of a row of any form; of a chat its last user message. */
export function questionOf({ question, problem, prompt, messages }: RewardRow): string {
  const asked = question ?? problem ?? prompt ?? messages;
  if (typeof asked === 'string') return asked;
  if (!Array.isArray(asked)) return asked == null ? '' : JSON.stringify(asked);
  const last = asked.findLast((turn) => turn?.role === 'user');
  return typeof last?.content === 'string' ? last.content : '';
}
