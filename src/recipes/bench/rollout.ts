/** `lorikeet bench rollout`: speed of the rollout engine on random prompts. */
import type { BenchRolloutConfig } from '../../config/index.js';
import { adapterFromLora, planLora } from '../../model/index.js';
import type { DecoderSpec } from '../../model/spec.js';
import { PLAIN_SAMPLING, type PromptRequest, type RolloutSampler } from '../../rollout/index.js';
import { InputError } from '../../util/errors.js';
import { readJsonl } from '../../util/files.js';
import { chunks } from '../../util/group.js';
import { largest } from '../../util/numbers.js';
import { Rng } from '../../util/rng.js';
import { elementCount } from '../../util/shape.js';
import { type Adapter, loraConfig, quantizationName, readAdapter } from '../../weights/index.js';
import type { RecipeContext } from '../context.js';
import { type ModelSource, openModel } from '../inputs/model-source.js';
import { openSampler } from '../sampling/open-sampler.js';
import { type ResolvedRollouts, resolveRollouts } from '../sampling/rollout-engine.js';
import { endless, randomTokens } from './full-length.js';
import { median, peakRssMib, round } from './numbers.js';

export interface RolloutFigures {
  readonly benchmark: 'rollout';
  readonly precision: ResolvedRollouts['precision'];
  readonly device: ResolvedRollouts['device'];
  /** How the base was kept before the sampler took it, e.g. `nf4`; null: as it is on disk. */
  readonly quantization: string | null;
  readonly batch: number;
  readonly completions: number;
  readonly new_tokens: number;
  /** All new tokens over the whole call, prefill included. */
  readonly tokens_per_s: number;
  /** The same call with one new token for each completion. */
  readonly prefill_s: number;
  /** From an adapter in memory to the sampler that answers with it. */
  readonly sync_ms: number;
  readonly peak_rss_mib: number;
}

const SYNCS = 5;

export async function benchRollout(
  config: BenchRolloutConfig,
  context: RecipeContext,
): Promise<RolloutFigures> {
  const { adapter: _, ...base } = config;
  const source = await openModel(base, context);
  try {
    return await measured(config, source, context);
  } finally {
    source.close();
  }
}

async function measured(
  config: BenchRolloutConfig,
  source: ModelSource,
  context: RecipeContext,
): Promise<RolloutFigures> {
  const resolved = resolveRollouts({ ...config, rollout_precision: config.precision }, context.log);
  const sampler = await openBenchSampler(config, source, resolved);
  try {
    const syncMs = await sync(config, source, sampler);
    const requests = benchRequests(config, source);
    const call = (limit: number) => {
      context.signal.throwIfAborted();
      return timedCall(config, { sampler, requests, limit });
    };
    await call(config.max_new_tokens);
    const runs = [];
    for (let i = 0; i < config.repeats; i++) runs.push(await call(config.max_new_tokens));
    const prefill = await call(1);
    const seconds = median(runs.map((run) => run.seconds));
    const { tokens } = runs[0]!;
    return {
      benchmark: 'rollout',
      precision: resolved.precision,
      device: resolved.device,
      quantization: source.quantization && quantizationName(source.quantization),
      batch: config.batch,
      completions: requests.length * config.num_generations,
      new_tokens: tokens,
      tokens_per_s: round(tokens / seconds, 1),
      prefill_s: round(prefill.seconds, 3),
      sync_ms: round(syncMs, 1),
      peak_rss_mib: peakRssMib(),
    };
  } finally {
    sampler.dispose();
  }
}

function openBenchSampler(
  config: BenchRolloutConfig,
  source: ModelSource,
  resolved: ResolvedRollouts,
): Promise<RolloutSampler> {
  return openSampler(
    { ...endless(source), adapter: null },
    {
      threads: config.threads,
      maxBatch: config.batch,
      maxPromptLength: config.prompt_tokens,
      maxNewTokens: config.max_new_tokens,
      ...resolved,
      loraModules: [...(benchAdapter(config, source, 0)?.tensors.keys() ?? [])],
    },
  );
}

function benchAdapter(
  { adapter, lora_rank, seed }: BenchRolloutConfig,
  { spec, baseName }: ModelSource,
  version: number,
): Adapter | null {
  if (adapter === 'none') return null;
  if (adapter !== 'random') return readAdapter(adapter);
  return randomAdapter(spec, { rank: lora_rank, rng: Rng.of(seed, 'adapter', version), baseName });
}

/** LoRA on every linear module, both matrices uniform and small. */
function randomAdapter(
  spec: DecoderSpec,
  options: { readonly rank: number; readonly rng: Rng; readonly baseName: string },
): Adapter {
  const { rank, rng, baseName } = options;
  const config = loraConfig({ r: rank, loraAlpha: 2 * rank, targetModules: 'all-linear' });
  const plan = planLora(spec, config);
  const values = plan.shapes.map(({ name, shape }) => {
    const size = elementCount(shape);
    return [name, Float32Array.from({ length: size }, () => 0.02 * (rng.uniform() - 0.5))] as const;
  });
  return adapterFromLora(plan, new Map(values), baseName);
}

/** Milliseconds that taking over another version takes, the median of a few. */
async function sync(
  config: BenchRolloutConfig,
  source: ModelSource,
  sampler: RolloutSampler,
): Promise<number> {
  const times: number[] = [];
  for (let version = 0; version < SYNCS; version++) {
    const adapter = benchAdapter(config, source, version);
    const { hash, syncMs } = await sampler.setAdapter(adapter);
    if (adapter !== null && hash === null) throw new Error('the sampler did not take the adapter');
    times.push(syncMs);
  }
  return median(times);
}

function benchRequests(config: BenchRolloutConfig, source: ModelSource): PromptRequest[] {
  const { seed, prompt_tokens, num_generations: n } = config;
  const lengths = completionLengths(config, source);
  return Array.from({ length: config.requests ?? config.batch }, (_, i) => {
    const rng = Rng.of(seed, 'prompt', i);
    const promptIds = randomTokens(rng, prompt_tokens, source.spec.vocabSize);
    const maxNewTokens = lengths === null ? config.max_new_tokens : rng.pick(lengths);
    return { id: String(i), promptIds, n, maxNewTokens };
  });
}

/** Lengths in tokens of the answers in a file; null without one. */
function completionLengths(
  { lengths, max_new_tokens }: BenchRolloutConfig,
  { tokenizer }: ModelSource,
): number[] | null {
  if (lengths === null) return null;
  return readJsonl(lengths).map(({ answer }, row) => {
    if (typeof answer !== 'string' || answer === '') {
      throw new InputError({ where: `${lengths}:${row + 1}`, problem: 'no text in answer' });
    }
    return Math.min(max_new_tokens, tokenizer.encode(answer).length);
  });
}

interface TimedCall {
  readonly sampler: RolloutSampler;
  readonly requests: readonly PromptRequest[];
  /** Most new tokens. */
  readonly limit: number;
}

/** Time of all requests, and the tokens made of those that they ask for. */
async function timedCall(
  config: BenchRolloutConfig,
  { sampler, requests, limit }: TimedCall,
): Promise<{ readonly seconds: number; readonly tokens: number }> {
  const { temperature, seed } = config;
  const params = { ...PLAIN_SAMPLING, temperature, seed, maxNewTokens: limit };
  const wanted = new Map(requests.map(({ id, maxNewTokens = limit }) => [id, maxNewTokens]));
  let tokens = 0;
  const start = performance.now();
  for (const call of calls(config, requests)) {
    const completions = await sampler.generate(call, params);
    for (const { requestId, ids } of completions)
      tokens += Math.min(ids.length, wanted.get(requestId)!);
  }
  return { seconds: (performance.now() - start) / 1000, tokens };
}

/** Static batches keep a row until their longest is done, as transformers' `generate` does. */
function calls(
  { scheduling, batch, num_generations }: BenchRolloutConfig,
  requests: readonly PromptRequest[],
): PromptRequest[][] {
  if (scheduling === 'continuous') return [[...requests]];
  const size = Math.max(1, Math.floor(batch / num_generations));
  return chunks(requests, size).map((together) => {
    const longest = largest(together.map(({ maxNewTokens = 0 }) => maxNewTokens));
    return together.map((request) => ({ ...request, maxNewTokens: longest }));
  });
}
