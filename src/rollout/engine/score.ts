/** Log-probabilities of given sequences under the model at temperature 1. */
import { logProbability, massOf } from '../sampling/distribution.js';
import type { Lane } from './lane.js';
import { batchSize, chunks, fillBatch, paddedLength } from './prefill.js';

/** Logits of one run: 64 MiB of them. */
const MAX_LOGITS = 1 << 24;

export interface ScoreOptions {
  readonly lane: Lane;
  readonly vocabSize: number;
  readonly maxRows: number;
  /** Most tokens of one run; a longer sequence is scored in pieces. */
  readonly maxTokens: number;
}

/**
 * @param sequences each of at least one id
 * @returns log p(id t | ids before t) for t = 1 … n − 1 of each
 */
export async function scoreSequences(
  sequences: readonly (readonly number[])[],
  options: ScoreOptions,
): Promise<Float32Array[]> {
  const { lane, vocabSize, maxRows } = options;
  const maxTokens = Math.max(1, Math.min(options.maxTokens, Math.floor(MAX_LOGITS / vocabSize)));
  const results = sequences.map(({ length }) => new Float32Array(length - 1));
  const order = [...sequences.keys()]
    .filter((i) => sequences[i]!.length > 1)
    .sort((a, b) => sequences[b]!.length - sequences[a]!.length || a - b);
  for (let done = 0; done < order.length; ) {
    const lengths = order.slice(done).map((i) => sequences[i]!.length - 1);
    const batch = order.slice(
      done,
      done + batchSize(lengths, { rows: maxRows, tokens: maxTokens }),
    );
    done += batch.length;
    const jobs = batch.map((i) => ({ ids: sequences[i]!, logprobs: results[i]! }));
    if (lengths[0]! > maxTokens) await scoreLong(lane, jobs[0]!, maxTokens);
    else await scoreBatch(lane, jobs);
  }
  return results;
}

interface Job {
  readonly ids: readonly number[];
  readonly logprobs: Float32Array;
}

/** The last id of a sequence is predicted but predicts nothing, so it is left out of the inputs. */
async function scoreBatch(lane: Lane, jobs: readonly Job[]): Promise<void> {
  const inputs = jobs.map(({ ids }) => ids.slice(0, -1));
  const tokens = paddedLength(inputs);
  const wanted = inputs.reduce((sum, { length }) => sum + length, 0);
  lane.shapeCache({ rows: jobs.length, capacity: tokens });
  lane.shape({ batch: jobs.length, tokens, wanted });
  fillBatch(lane, inputs, tokens);
  let at = 0;
  for (const [row, { length }] of inputs.entries()) {
    for (let i = 0; i < length; i++) lane.rows[at++] = row * tokens + i;
  }
  await lane.run(1);
  at = 0;
  for (const { ids, logprobs } of jobs) {
    for (let i = 0; i < logprobs.length; i++) logprobs[i] = scored(lane, at++, ids[i + 1]!);
  }
}

async function scoreLong(lane: Lane, { ids, logprobs }: Job, size: number): Promise<void> {
  lane.shapeCache({ rows: 1, capacity: logprobs.length });
  for (const { start, ids: chunk } of chunks(ids.slice(0, -1), size)) {
    lane.shape({ batch: 1, tokens: chunk.length, wanted: chunk.length });
    lane.ids.set(chunk);
    lane.lastPositions[0] = start + chunk.length - 1;
    for (let i = 0; i < chunk.length; i++) lane.rows[i] = i;
    await lane.run(1);
    for (let i = 0; i < chunk.length; i++) {
      logprobs[start + i] = scored(lane, i, ids[start + i + 1]!);
    }
  }
}

function scored(lane: Lane, row: number, id: number): number {
  const probabilities = lane.probabilities(row);
  return logProbability(
    { scores: lane.scores(row), probabilities, mass: massOf(probabilities) },
    id,
  );
}
