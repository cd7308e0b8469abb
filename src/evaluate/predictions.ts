/**
 * Completions kept on disk while an evaluation runs: one JSONL file a run, its first line what the
 * completions depend on. A run that goes on reads what is there and samples the rest.
 */
import { existsSync } from 'node:fs';
import type { SampledCompletion } from '../report/index.js';
import { appendText } from '../util/append.js';
import { InputError } from '../util/errors.js';
import { dropHalfLine, readJsonl, sha256, writeFileAtomic } from '../util/files.js';
import { checkedRows, type Fields } from '../util/own-files.js';

interface Prediction {
  readonly promptHash: string;
  /** Without its prompt. */
  readonly completion: SampledCompletion;
}

/** Names a prompt: a request that follows from others may have another one when it is made again. */
export const promptHashOf = (ids: readonly number[]): string =>
  sha256(JSON.stringify(ids)).slice(0, 16);

export interface PredictionStore {
  /** Completions that were there. */
  readonly found: readonly Prediction[];
  add(completion: SampledCompletion): void;
}

/**
 * Opens the file, or makes it. @param key - hash of model, prompts, sampling and seed
 * @throws InputError when the file holds predictions of something else
 */
export function openPredictions(path: string, key: string): PredictionStore {
  const found = existsSync(path) ? readPredictions(path, key) : [];
  if (found.length === 0) writeFileAtomic(path, `${JSON.stringify({ key })}\n`);
  return { found, add: (completion) => appendText(path, `${toLine(completion)}\n`) };
}

function readPredictions(path: string, key: string): readonly Prediction[] {
  dropHalfLine(path);
  const [head, ...rows] = readJsonl(path);
  if (head === undefined) return [];
  if (head.key !== key) {
    throw new InputError({
      where: path,
      problem: 'these predictions are of another model, prompts, sampling or seed',
      remedy: 'Give overwrite=true to start again, or another output_dir',
    });
  }
  return checkedRows<StoredRow>(path, rows, STORED_FIELDS).map((row) => ({
    promptHash: row.prompt_hash,
    completion: fromRow(row),
  }));
}

function toLine(completion: SampledCompletion): string {
  const { requestId, sampleIndex, promptIds, ids, text } = completion;
  const { logprobs, finishReason, adapter, seconds } = completion;
  return JSON.stringify({
    id: requestId,
    sample_index: sampleIndex,
    prompt_hash: promptHashOf(promptIds),
    completion: text,
    completion_ids: ids,
    logprobs: Array.from(logprobs),
    finish_reason: finishReason,
    adapter,
    seconds,
  });
}

interface StoredRow {
  readonly id: string;
  readonly sample_index: number;
  readonly prompt_hash: string;
  readonly completion: string;
  readonly completion_ids: readonly number[];
  readonly logprobs: readonly number[];
  readonly finish_reason: string;
  readonly adapter: string | null;
  readonly seconds: number;
}

const STORED_FIELDS: Fields<StoredRow> = {
  id: 'string',
  sample_index: 'number',
  prompt_hash: 'string',
  completion: 'string',
  completion_ids: 'list',
  logprobs: 'list',
  finish_reason: 'string',
  adapter: 'string or null',
  seconds: 'number',
};

function fromRow(row: StoredRow): SampledCompletion {
  return {
    requestId: row.id,
    sampleIndex: row.sample_index,
    promptIds: [],
    ids: row.completion_ids,
    text: row.completion,
    logprobs: Float32Array.from(row.logprobs),
    finishReason: row.finish_reason,
    adapter: row.adapter,
    seconds: row.seconds,
  };
}
