/**
 * `lorikeet generate`: batched sampling from a model (and adapter) into rows, graded when asked. Rows are on
 * disk as soon as they are made, and a call that goes on makes only those that are missing.
 */
import type { GenerateConfig } from '../config/index.js';
import { withProgress } from '../report/index.js';
import { type Completion, checkVersion, type PromptRequest } from '../rollout/index.js';
import { closing } from '../util/close-stack.js';
import { counted } from '../util/counted.js';
import type { JsonRow } from '../util/files.js';
import type { RecipeContext } from './context.js';
import { type GenerateEngine, openEngine } from './generate/engine.js';
import { type HashPrompt, requestHasher } from './generate/request-hash.js';
import { rowMaker } from './generate/row-maker.js';
import { readPrompts } from './inputs/prompt-input.js';
import { longestPrompt, type PromptedRow } from './inputs/prompted-rows.js';
import { interruption } from './interrupt.js';
import { RowStore } from './outputs/row-store.js';
import type { WrittenRows } from './outputs/rows-output.js';
import { type OpenRewards, openTaggedRewards } from './rewards/open-rewards.js';
import { checkSampling } from './sampling/check-rollouts.js';

export async function runGenerate(
  config: GenerateConfig,
  context: RecipeContext,
): Promise<WrittenRows | null> {
  return report(await generateRows(config, context), { config, context });
}

export interface GeneratedRows {
  readonly rows: readonly JsonRow[];
  /** How many of them were there. */
  readonly kept: number;
}

/**
 * The rows, which are in `output` where the config names one; says nothing of them.
 * @param replaced Further files that the first row takes the place of when `overwrite` is set
 */
export function generateRows(
  config: GenerateConfig,
  context: RecipeContext,
  replaced: readonly string[] = [],
): Promise<GeneratedRows> {
  return closing(async (stack) => {
    if (config.engine === 'onnxruntime') checkSampling(config, { samplesMissing: true });
    const store = stack.adopt(new RowStore(config, replaced), (own) => own.close());
    const engine = stack.adopt(await openEngine(config, context), (own) => own.close());
    return await generateInto(store, { config, engine, context });
  });
}

interface Inputs {
  readonly config: GenerateConfig;
  readonly engine: GenerateEngine;
  readonly context: RecipeContext;
}

async function generateInto(store: RowStore, inputs: Inputs): Promise<GeneratedRows> {
  const { config, engine } = inputs;
  const prompts = await promptsOf(inputs);
  const requestHash = requestHasher(config, engine);
  const byId = new Map(prompts.map((prompt) => [prompt.id, prompt]));
  store.verify(({ prompt_id: id, sample_index: sample }) => {
    const prompt = sample < config.num_generations ? byId.get(id) : undefined;
    return prompt && { adapter: engine.adapter, request_hash: requestHash(prompt) };
  });
  const kept = store.size;
  const missing = prompts.flatMap((prompt) => missingSamples(prompt, config, store));
  if (missing.length > 0) {
    const work = { ...inputs, missing, byId, requestHash };
    await store.filledBy(() => sampleInto(store, work), inputs.context.log);
  }
  const rows = store.finish(
    (a, b) => Number(a.prompt_id) - Number(b.prompt_id) || a.sample_index - b.sample_index,
  );
  return { rows, kept };
}

async function promptsOf({ config, engine, context }: Inputs): Promise<PromptedRow[]> {
  const input = await readPrompts(config);
  const prompts = engine.prompts(input);
  const cut = prompts.filter((prompt) => prompt.cut !== undefined);
  if (cut.length > 0) {
    const tokens = cut.reduce((sum, prompt) => sum + prompt.cut!, 0);
    context.log(
      `${cut.length} of ${counted(prompts.length, 'prompt')} cut on the left, ${counted(tokens, 'token')}`,
    );
  }
  return prompts.map((prompt, i) => ({ ...prompt, id: String(i), row: input.rows[i]! }));
}

function missingSamples(
  { id, promptIds, messages }: PromptedRow,
  { num_generations: count }: GenerateConfig,
  store: RowStore,
): PromptRequest[] {
  const all = Array.from({ length: count }, (_, sample) => sample);
  const samples = all.filter((sample) => !store.has(id, sample));
  if (samples.length === 0) return [];
  return [{ id, promptIds, n: samples.length, samples, ...(messages && { messages }) }];
}

interface Work extends Inputs {
  readonly missing: readonly PromptRequest[];
  readonly byId: ReadonlyMap<string, PromptedRow>;
  readonly requestHash: HashPrompt;
}

async function sampleInto(store: RowStore, work: Work): Promise<void> {
  const { config, engine, context, missing, byId } = work;
  const { signal } = context;
  context.stopsInOrder?.();
  await closing(async (stack) => {
    const sampler = stack.adopt(await engine.open(longestPrompt(missing)), (own) => own.dispose());
    const rewards = stack.adopt(await rewardsOf(config, context), (own) => own?.close());
    const toRow = rowMaker({ ...work, rewards });
    const total = missing.reduce((sum, { n }) => sum + n, 0);
    await withProgress({ label: 'generating', total }, async (progress) => {
      let done = 0;
      let filtered = 0;
      const grading: Promise<void>[] = [];
      const failed = new AbortController();
      const add = async (completion: Completion): Promise<void> => {
        store.add(await toRow(completion, byId.get(completion.requestId)!));
        progress.update(++done);
      };
      const onCompletion = (completion: Completion): void => {
        if (completion.finishReason === 'aborted') return;
        checkVersion(completion, engine.adapter);
        if (completion.finishReason === 'content_filter') filtered++;
        const added = add(completion);
        added.catch(() => failed.abort());
        grading.push(added);
      };
      const either = AbortSignal.any([signal, failed.signal]);
      try {
        await sampler.generate(missing, engine.params, { signal: either, onCompletion });
      } finally {
        await Promise.allSettled(grading);
      }
      // What failed has ended the sampling, and is thrown here.
      await Promise.all(grading);
      if (filtered > 0) {
        context.log(
          `warning: the server's content filter cut ${filtered} of ${counted(total, 'completion')}; their rows have finish_reason content_filter`,
        );
      }
    });
  });
  if (signal.aborted) throw stopped(signal, store, config);
}

function stopped(signal: AbortSignal, store: RowStore, { output }: GenerateConfig): Error {
  if (output === null) {
    return interruption(signal, { problem: 'stopped while generating; nothing is written' });
  }
  const { problem, remedy } = store.left;
  return interruption(signal, { problem: `stopped while generating; ${problem}`, remedy });
}

/** Null when nothing is graded. */
async function rewardsOf(
  config: GenerateConfig,
  context: RecipeContext,
): Promise<OpenRewards | null> {
  if (config.rewards.length === 0) return null;
  return await openTaggedRewards(config.rewards, config, context);
}

function report(
  { rows, kept }: GeneratedRows,
  { config, context }: { readonly config: GenerateConfig; readonly context: RecipeContext },
): WrittenRows | null {
  if (config.output === null) {
    for (const row of rows) context.print(JSON.stringify(row));
    return null;
  }
  const there = kept > 0 ? `, ${kept} of them were there` : '';
  context.log(`${counted(rows.length, 'row')} in ${config.output}${there}`);
  return { output: config.output, rows: rows.length };
}
