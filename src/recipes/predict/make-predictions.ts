/** Predictions of one run: taken from their file, or sampled, what an earlier call has made included. */
import { existsSync, rmSync } from 'node:fs';
import {
  type GenerateConfig,
  generateSchema,
  type PredictConfig,
  resolveConfig,
} from '../../config/index.js';
import { readRowFile } from '../../data/index.js';
import { InputError } from '../../util/errors.js';
import { type JsonRow, sha256, sha256OfFile, writeJson } from '../../util/files.js';
import { inUseRemedy } from '../../util/in-use.js';
import { canonicalJson } from '../../util/json-object.js';
import { checkedRows, readRecord } from '../../util/own-files.js';
import type { RecipeContext } from '../context.js';
import { generateRows } from '../generate.js';
import { pathIdentity } from '../inputs/path-identity.js';
import { readPrompts } from '../inputs/prompt-input.js';
import { baseIdentity } from '../inputs/quantization.js';
import { partOf } from '../outputs/row-store.js';
import { nameAtServer } from '../sampling/name-at-server.js';
import { rolloutIdentity } from '../sampling/rollout-engine.js';
import { inputOf, metaFile, predictionsFile } from './prediction-files.js';

/** Keys are those of the file. */
export interface Prediction {
  readonly model_prediction: string;
  /** The row that was asked. */
  readonly input: JsonRow;
  /** Null where nobody counts them. */
  readonly reasoning_tokens_used: number | null;
  readonly reference_answer: unknown;
  /** What the model said of its thinking; empty without. */
  readonly summaries: string;
}

/** @throws InputError on predictions of something else that may not be replaced */
export async function predictionsOf(
  config: PredictConfig,
  run: number,
  context: RecipeContext,
): Promise<readonly Prediction[]> {
  const path = predictionsFile(config, run);
  const key = keyOf(config, run);
  if (isThere(path, key, config)) {
    const { truncated = 0 } = readMeta(metaFile(path));
    context.log(`predictions of run ${run}: taken from ${path}${cutText(truncated)}`);
    return await readPredictions(path);
  }
  const rowsFile = rowsOf(path);
  const generate = generateConfig(config, { run, output: rowsFile });
  const { rows } = await generateRows(generate, context, filesFrom(config, run));
  const asked = (await readPrompts({ input: inputOf(config), prompt: null })).rows;
  const isServed = config.engine === 'server';
  const predictions = rows.map((row) =>
    predictionOf(row, { input: asked[Number(row.prompt_id)]!, isServed }),
  );
  rmSync(path, { force: true });
  const truncated = rows.filter(({ finish_reason: reason }) => reason === 'length').length;
  const meta: Meta = { key, rows: predictions.length, truncated };
  writeJson(metaFile(path), meta);
  writeJson(path, predictions);
  rmSync(rowsFile);
  context.log(`predictions of run ${run}: ${predictions.length} in ${path}${cutText(truncated)}`);
  return predictions;
}

const rowsOf = (path: string): string => `${path}.jsonl`;

/** What a call that replaces this run and those after it finds of them. */
function filesFrom(config: PredictConfig, first: number): string[] {
  const runs = Array.from({ length: config.n_runs - first + 1 }, (_, i) => first + i);
  return runs.flatMap((run) => {
    const path = predictionsFile(config, run);
    return [path, rowsOf(path), partOf(rowsOf(path))];
  });
}

async function readPredictions(path: string): Promise<Prediction[]> {
  const { rows } = await readRowFile(path);
  return checkedRows<Prediction>(path, rows, { model_prediction: 'string', input: 'object' });
}

/** What stands beside the predictions of a run. */
interface Meta {
  readonly key: string;
  readonly rows: number;
  /** Those that `max_new_tokens` has ended. */
  readonly truncated?: number;
}

const cutText = (count: number): string => (count === 0 ? '' : `, ${count} cut at max_new_tokens`);

/** Of everything that the predictions depend on: the model's files, the rows, and the sampling. */
function keyOf(config: PredictConfig, run: number): string {
  const { adapter, engine, server, seed } = config;
  const { temperature, top_p, top_k, max_new_tokens } = config;
  const isLocal = engine === 'onnxruntime';
  const base = baseIdentity(config);
  const { api, extra_body } = server;
  const parts = {
    model: isLocal ? modelIdentity(config) : nameAtServer(server.model ?? config.model),
    adapter: identityOf(adapter),
    rows: sha256OfFile(inputOf(config)),
    sampling: { temperature, top_p, top_k, max_new_tokens },
    rollouts: isLocal ? rolloutIdentity(config) : null,
    ...(base.length > 0 && { base }),
    prompts: { ...promptKeys(config), chat_template_path: identityOf(config.chat_template_path) },
    seed: seed + run - 1,
    server: isLocal ? null : { api, extra_body, reasoning: reasoningOf(config) },
  };
  return sha256(canonicalJson(parts));
}

/** Of a folder by its content, of a hub model by its name and revision. */
const modelIdentity = ({ model, model_revision: revision }: PredictConfig) =>
  existsSync(model) ? pathIdentity(model) : [model, revision];

const identityOf = (path: string | null) => (path === null ? null : pathIdentity(path));

/** How rows become prompts, and where their answers end. */
function promptKeys(config: PredictConfig) {
  const { prompt_template, system_prompt, chat_template_path, chat_template_kwargs } = config;
  const { eos_token } = config;
  return { prompt_template, system_prompt, chat_template_path, chat_template_kwargs, eos_token };
}

function isThere(path: string, key: string, config: PredictConfig): boolean {
  if (config.overwrite || !existsSync(path)) return false;
  const meta = metaFile(path);
  const isSame = existsSync(meta) && readMeta(meta).key === key;
  if (isSame && config.resume === 'auto') return true;
  throw new InputError({
    where: path,
    problem: isSame
      ? 'these predictions are there already'
      : 'these predictions are of another model, rows, sampling or seed',
    remedy: inUseRemedy('model_label or output_dir', { mayResume: isSame }),
  });
}

const readMeta = (path: string): Meta =>
  readRecord<Meta>(path, {
    fields: { key: 'string' },
    remedy: 'Give overwrite=true to make the predictions anew',
  });

function generateConfig(
  config: PredictConfig,
  { run, output }: { readonly run: number; readonly output: string },
): GenerateConfig {
  const { model, model_revision, adapter, engine, server } = config;
  const { batch_size, temperature, top_p, top_k, max_new_tokens, device, threads } = config;
  const { rollout_device, rollout_precision, rollout_memory_limit } = config;
  const { load_in_4bit, bnb_4bit_quant_type, use_bnb_nested_quant } = config;
  const keys = {
    ...promptKeys(config),
    model,
    model_revision,
    adapter,
    load_in_4bit,
    bnb_4bit_quant_type,
    use_bnb_nested_quant,
    engine,
    batch_size,
    temperature,
    top_p,
    top_k,
    max_new_tokens,
    device,
    threads,
    output,
    input: inputOf(config),
    rollout_device,
    rollout_precision,
    rollout_memory_limit,
    server: { ...server, reasoning: reasoningOf(config) },
    seed: config.seed + run - 1,
    ...(config.overwrite ? { overwrite: true } : { resume: 'auto' }),
  };
  return resolveConfig(generateSchema, [{ value: keys, where: () => 'predict' }]);
}

/** What a server is asked to think, and to tell of it: by default in detail. */
function reasoningOf({ reasoning_effort, server: { reasoning } }: PredictConfig) {
  const effort = reasoning_effort ?? reasoning.effort;
  return { effort, summary: reasoning.summary ?? (effort === null ? null : 'detailed') };
}

/** @param isServed A server has told of its thinking; a column of that name is the row's own otherwise. */
function predictionOf(
  { completion, reasoning, reasoning_tokens: tokens }: JsonRow,
  { input, isServed }: { readonly input: JsonRow; readonly isServed: boolean },
): Prediction {
  return {
    model_prediction: String(completion),
    input,
    reasoning_tokens_used: isServed && typeof tokens === 'number' ? tokens : null,
    reference_answer: input.reference_answer ?? null,
    summaries: isServed && typeof reasoning === 'string' ? reasoning : '',
  };
}
