/** What an evaluation asks: its rows and their prompts, read and checked before anything is written. */
import type { EvalConfig, evaluationDefaults } from '../../config/index.js';
import type { AnswerGrader } from '../../evaluate/index.js';
import type { DecoderSpec } from '../../model/spec.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { type JsonRow, sha256 } from '../../util/files.js';
import type { RecipeContext } from '../context.js';
import { loadDataset } from '../inputs/dataset.js';
import {
  type OverlongPrompts,
  type PromptedRow,
  promptRows,
  sayOverlong,
} from '../inputs/prompted-rows.js';
import { renderOptions } from '../inputs/render-options.js';
import { sayUnreadOfPrompts } from '../inputs/unread-fields.js';
import { answerGrader, benchmarkFilter, benchmarkGroups, benchmarkRows } from './benchmark.js';
import { loadShots, withShots } from './few-shot.js';
import { checkStrategy } from './strategy.js';

/** What an evaluation reads of a config: `eval` has all of it, a trainer's `eval` key most. */
export type EvaluationKeys = Pick<
  EvalConfig,
  | keyof typeof evaluationDefaults
  | 'prompt_template'
  | 'system_prompt'
  | 'chat_template_kwargs'
  | 'benchmark'
  | 'dataset'
  | 'batch_size'
  | 'temperature'
  | 'top_p'
  | 'top_k'
  | 'max_new_tokens'
  | 'stop'
  | 'threads'
  | ('rollout_device' | 'rollout_precision' | 'rollout_memory_limit')
  | 'seed'
  | 'reasoning_start'
  | 'reasoning_end'
  | 'solution_start'
  | 'solution_end'
> & {
  /** Before the names of keys in errors: `eval.` in a trainer. */
  readonly section?: string;
  /** What becomes of prompts that leave no room; default `error`. */
  readonly overlong?: OverlongPrompts;
};

export interface EvaluationInputs {
  readonly rows: readonly JsonRow[];
  /** One for each row. */
  readonly prompts: readonly PromptedRow[];
  readonly grade: AnswerGrader;
  /** Columns of the tables of accuracy. */
  readonly groups: readonly string[];
  /** SHA-256 of the prompts' token ids: equal hashes were asked the same. */
  readonly promptHash: string;
  readonly tokenizer: Tokenizer;
  /** Longest sequence of the model. */
  readonly maxPositions: number;
}

/** What prompts are made by. */
export interface EvaluatedModel {
  readonly tokenizer: Tokenizer;
  readonly spec: Pick<DecoderSpec, 'maxPositions'>;
}

/** @throws InputError on an unknown benchmark, bad tags, malformed rows, or a prompt without room. */
export async function evaluationInputs(
  { tokenizer, spec }: EvaluatedModel,
  keys: EvaluationKeys,
  context: RecipeContext,
): Promise<EvaluationInputs> {
  const { seed, overlong = 'error' } = keys;
  checkStrategy(keys);
  const grade = answerGrader(keys);
  const only = benchmarkFilter(keys);
  const { rows, where } = await loadDataset(benchmarkRows(keys), { seed, context, only });
  const shots = await loadShots(keys, context);
  const asked =
    shots.length === 0
      ? rows
      : rows.map((row, i) => withShots(row, { shots, keys, where: where(i) }));
  const hasOwnTemplate = shots.length === 0;
  if (hasOwnTemplate) {
    const { prompt_template: promptTemplate } = keys;
    sayUnreadOfPrompts(rows, { tokenizer, promptTemplate, where, log: context.log });
  }
  const completionKey = `${keys.section ?? ''}max_new_tokens`;
  const prompts = promptRows(tokenizer, asked, {
    render: (index) => {
      const { promptTemplate, systemPrompt, ...options } = renderOptions(keys, where(index));
      const isWritten = !hasOwnTemplate && promptTemplate !== undefined;
      return isWritten ? options : { ...options, promptTemplate, systemPrompt };
    },
    context: spec.maxPositions,
    completion: keys.max_new_tokens,
    completionKey,
    overlong,
  });
  if (overlong !== 'error') {
    const about = { rows: rows.length, what: 'evaluation', completionKey };
    sayOverlong(prompts, { ...about, log: context.log });
  }
  const left = new Set(prompts.map(({ row }) => row));
  const promptHash = sha256(JSON.stringify(prompts.map(({ promptIds }) => promptIds)));
  const { maxPositions } = spec;
  return {
    rows: rows.filter((_, i) => left.has(asked[i]!)),
    prompts,
    grade,
    groups: benchmarkGroups(keys),
    promptHash,
    tokenizer,
    maxPositions,
  };
}
