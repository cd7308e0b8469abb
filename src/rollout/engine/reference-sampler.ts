/**
 * The slow reference: every token by a whole forward pass of a model that somebody else computes, without
 * cache. What is done with the logits is the engine's own code, so that for the same logits it samples the
 * same tokens.
 */
import { RunError } from '../../util/errors.js';
import { chunks } from '../../util/group.js';
import type { Adapter } from '../../weights/index.js';
import { softmaxInto } from '../sampling/distribution.js';
import { checkSamplingParams } from '../sampling/params.js';
import { TokenSampler } from '../sampling/token-sampler.js';
import type {
  Completion,
  GenerateOptions,
  PromptRequest,
  RolloutTokenizer,
  Sampler,
  SamplingParams,
  SyncResult,
} from '../types.js';
import { inWaves } from '../waves.js';
import { CompletionRow } from './completion-row.js';
import { checkRequests, checkSequences, sampleIndices } from './requests.js';

type Sequences = readonly (readonly number[])[];

/** A model that computes whole sequences. */
export interface ReferenceModel {
  readonly vocabSize: number;
  /** Logits after the last token of each sequence [V]. */
  logits(sequences: Sequences): Promise<readonly Float32Array[]>;
  /** log p(id t | ids before t) at temperature 1 for t = 1 … n − 1 of each. */
  score(sequences: Sequences): Promise<Float32Array[]>;
  /** @returns hash of the adapter that is on the base weights from now on */
  setAdapter(adapter: Adapter | null, version?: string): string | null;
  readonly adapterHash: string | null;
  dispose(): void;
}

export interface ReferenceSamplerOptions {
  readonly model: ReferenceModel;
  readonly tokenizer: RolloutTokenizer;
  readonly maxContext: number;
  /** Sequences computed together. */
  readonly maxBatch: number;
}

export function createReferenceSampler(options: ReferenceSamplerOptions): Sampler {
  const { model, maxBatch } = options;
  const limits = { vocabSize: model.vocabSize, maxContext: options.maxContext };
  let isBusy = false;
  return {
    async generate(requests, params, generateOptions = {}) {
      checkSamplingParams(params, model.vocabSize);
      isBusy = true;
      const { next = async () => null, ...rest } = generateOptions;
      try {
        return await inWaves(requests, next, (wave) => {
          checkRequests(wave, limits);
          return generateWith(options, wave, { params, ...rest });
        });
      } finally {
        isBusy = false;
      }
    },
    async score(sequences) {
      checkSequences(sequences, limits);
      const scores: Float32Array[] = [];
      for (const batch of chunks(sequences, maxBatch)) scores.push(...(await model.score(batch)));
      return scores;
    },
    setAdapter(adapter, version): SyncResult {
      if (isBusy) throw new RunError('rollout: the adapter cannot change while sampling');
      const start = performance.now();
      return { hash: model.setAdapter(adapter, version), syncMs: performance.now() - start };
    },
    get adapterHash() {
      return model.adapterHash;
    },
    dispose: () => model.dispose(),
  };
}

async function generateWith(
  options: ReferenceSamplerOptions,
  requests: readonly PromptRequest[],
  { params, signal, onCompletion }: GenerateOptions & { readonly params: SamplingParams },
): Promise<Completion[]> {
  const { model, tokenizer, maxContext, maxBatch } = options;
  const startedAt = performance.now();
  const rows = requests.flatMap((request) =>
    sampleIndices(request).map(
      (sampleIndex) =>
        new CompletionRow({ request, sampleIndex, params, tokenizer, maxContext, startedAt }),
    ),
  );
  const sampler = new TokenSampler(params, model.vocabSize, tokenizer.eosIds);
  const done = new Map<CompletionRow, Completion>();
  const finish = (row: CompletionRow): void => {
    const completion = row.completion(model.adapterHash, performance.now());
    done.set(row, completion);
    onCompletion?.(completion);
  };
  for (let open = rows; open.length > 0; open = rows.filter((row) => row.finishReason === null)) {
    if (signal?.aborted === true) {
      for (const row of open) {
        row.abort();
        finish(row);
      }
      break;
    }
    const batch = open.slice(0, maxBatch);
    await step(batch, { model, sampler });
    for (const row of batch) if (row.finishReason !== null) finish(row);
  }
  return rows.map((row) => done.get(row)!);
}

/** One token for each row. */
async function step(
  rows: readonly CompletionRow[],
  { model, sampler }: { readonly model: ReferenceModel; readonly sampler: TokenSampler },
): Promise<void> {
  const logits = await model.logits(rows.map((row) => row.sequence));
  const probabilities = new Float32Array(model.vocabSize);
  for (const [i, row] of rows.entries()) {
    const scores = logits[i]!.map((z) => z * sampler.inverseTemperature);
    softmaxInto(probabilities, scores);
    const id = sampler.next(scores, probabilities, row);
    row.push({ id, logprob: sampler.logprob, policyLogprob: sampler.policyLogprob });
  }
}
