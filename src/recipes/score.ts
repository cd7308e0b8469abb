/** `lorikeet score`: log p of each token of given texts or ids, by the trainer's or the sampler's runtime. */
import type { ScoreConfig } from '../config/index.js';
import { withProgress } from '../report/index.js';
import { renderExample } from '../tokenizer/index.js';
import { closing } from '../util/close-stack.js';
import { counted } from '../util/counted.js';
import { InputError } from '../util/errors.js';
import type { JsonRow } from '../util/files.js';
import { chunks } from '../util/group.js';
import { largest } from '../util/numbers.js';
import type { RecipeContext } from './context.js';
import { inputRows } from './inputs/input-rows.js';
import { type ModelSource, openModel } from './inputs/model-source.js';
import { renderOptions } from './inputs/render-options.js';
import { interruption } from './interrupt.js';
import { computeType } from './memory/compute-type.js';
import { holdOutput, type WrittenRows, writeRows } from './outputs/rows-output.js';
import { checkSampling } from './sampling/check-rollouts.js';
import { openKeyedSampler } from './sampling/keyed-sampler.js';
import { frozenPolicy, scoreSequences } from './sampling/policy-sampler.js';
import { configureDevice } from './training/configure-device.js';

/** n − 1 numbers for n ids: log p(id t given the ids before it), natural log, temperature 1. */
type Scorer = (sequences: readonly (readonly number[])[]) => Promise<number[][]>;

export function runScore(config: ScoreConfig, context: RecipeContext): Promise<WrittenRows | null> {
  return closing(async (stack) => {
    stack.defer(holdOutput(config));
    if (config.engine !== 'tensorflow') checkSampling(config);
    const { rows, where } = await inputRows(config.input);
    const source = stack.adopt(await openModel(config, context), (own) => own.close());
    const sequences = rows.map((row, i) => idsOf(row, source, { config, where: where(i) }));
    const { score, dispose } =
      config.engine === 'tensorflow'
        ? await tensorflowScorer(config, source)
        : await onnxScorer(config, { source, sequences, context });
    stack.defer(dispose);
    context.stopsInOrder?.();
    const logprobs = await inBatches(sequences, { size: config.batch_size, score, context });
    const scored = rows.map((row, i) => ({ ...row, ids: sequences[i], logprobs: logprobs[i] }));
    return writeRows(config, scored, context);
  });
}

function idsOf(
  row: JsonRow,
  { tokenizer, spec }: ModelSource,
  { config, where }: { readonly config: ScoreConfig; readonly where: string },
): number[] {
  const ids = Array.isArray(row.ids)
    ? (row.ids as number[])
    : renderExample(tokenizer, row, renderOptions({ ...config }, where)).ids;
  const bad = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= spec.vocabSize);
  if (bad !== undefined || ids.length < 2 || ids.length > spec.maxPositions) {
    const problem =
      bad === undefined
        ? `${counted(ids.length, 'id')}; 2 to ${spec.maxPositions} can be scored`
        : `id ${JSON.stringify(bad)} is not one of the model's ${spec.vocabSize}`;
    throw new InputError({ where, problem });
  }
  return [...ids];
}

interface Batches {
  readonly size: number;
  readonly score: Scorer;
  readonly context: RecipeContext;
}

/** @throws InterruptError once a batch is done after a signal */
async function inBatches(
  sequences: readonly (readonly number[])[],
  { size, score, context: { signal } }: Batches,
): Promise<number[][]> {
  const out: number[][] = [];
  await withProgress({ label: 'scoring', total: sequences.length }, async (progress) => {
    for (const batch of chunks(sequences, size)) {
      if (signal.aborted)
        throw interruption(signal, { problem: 'stopped while scoring; nothing is written' });
      out.push(...(await score(batch)));
      progress.update(out.length);
    }
  });
  return out;
}

interface OpenScorer {
  readonly score: Scorer;
  readonly dispose: () => void;
}

async function tensorflowScorer(config: ScoreConfig, source: ModelSource): Promise<OpenScorer> {
  configureDevice(config);
  const { compute_dtype, device } = config;
  const compute = computeType({ compute_dtype, device, use_lora: true }, source.spec);
  const policy = frozenPolicy(source, source.adapter, compute);
  return {
    score: async (sequences) =>
      (await scoreSequences(policy, sequences)).map((logprobs) => Array.from(logprobs)),
    dispose: () => policy.dispose(),
  };
}

interface OnnxScorerInputs {
  readonly source: ModelSource;
  readonly sequences: readonly (readonly number[])[];
  readonly context: RecipeContext;
}

async function onnxScorer(
  config: ScoreConfig,
  { source, sequences, context }: OnnxScorerInputs,
): Promise<OpenScorer> {
  const sampler = await openKeyedSampler(source, config, {
    log: context.log,
    maxPromptLength: largest(sequences.map((ids) => ids.length)),
    maxNewTokens: 0,
  });
  return {
    score: async (batch) => (await sampler.score(batch)).map((logps) => Array.from(logps)),
    dispose: () => sampler.dispose(),
  };
}
