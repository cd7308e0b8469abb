/** Tokens that the engine samples, counted, against the distribution of transformers' logits. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OnnxSampler } from '../../../../src/rollout/engine/onnx-sampler.js';
import { PLAIN_SAMPLING, type SamplingParams } from '../../../../src/rollout/index.js';
import { goldenCase, goldenSpec } from '../../../support/golden-rollouts.js';
import { goldenSampler } from '../../../support/golden-sampler.js';
import { goodnessOfFit } from '../sampling/chi-square.js';

const golden = goldenCase('llama');
const spec = goldenSpec(golden);
const DRAWS = 20_000;
const PROMPT = 3;

let sampler: OnnxSampler;
beforeAll(async () => {
  sampler = await goldenSampler(golden, { loraModules: [] });
});
afterAll(() => sampler.dispose());

/** How often each token comes first. */
async function counts(changes: Partial<SamplingParams>): Promise<number[]> {
  const request = { id: 'p', promptIds: golden.prompts[PROMPT]!, n: DRAWS };
  const params = { ...PLAIN_SAMPLING, maxNewTokens: 1, seed: 3, ...changes };
  const found: number[] = Array(spec.vocabSize).fill(0);
  for (const { ids } of await sampler.generate([request], params)) found[ids[0]!]!++;
  return found;
}

interface Plain {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
}

/** By sorting, as the papers define the filters. */
function expected({ temperature = 1, topK = 0, topP = 1, minP = 0 }: Plain): number[] {
  const weights = golden.base[PROMPT]!.logits.map((z) => Math.exp(z / temperature));
  let order = [...weights.keys()].sort((a, b) => weights[b]! - weights[a]!);
  if (topK > 0) order = order.slice(0, topK);
  const total = order.reduce((sum, id) => sum + weights[id]!, 0);
  let before = 0;
  order = order.filter((id) => {
    const isIn = before < topP * total;
    before += weights[id]!;
    return isIn && weights[id]! >= minP * weights[order[0]!]!;
  });
  const mass = order.reduce((sum, id) => sum + weights[id]!, 0);
  return weights.map((weight, id) => (order.includes(id) ? weight / mass : 0));
}

/** Tokens in groups of neighbours by logit, each of about a twelfth of the probability. */
function grouped(values: readonly number[]): number[] {
  const probabilities = expected({});
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b]! - probabilities[a]!);
  const groups: number[] = Array(13).fill(0);
  let before = 0;
  for (const id of order) {
    groups[Math.floor(12 * before)]! += values[id]!;
    before += probabilities[id]!;
  }
  return groups;
}

/** The smaller p-value of two tests: token by token, and by groups, which sees temperature best. */
function pValue(found: readonly number[], probabilities: readonly number[]): number {
  const byGroup = goodnessOfFit(grouped(found), grouped(probabilities));
  return Math.min(goodnessOfFit(found, probabilities), byGroup);
}

describe('20,000 tokens of the engine', () => {
  it.each<Plain>([
    {},
    { temperature: 0.6 },
    { temperature: 1.4 },
    { topK: 12 },
    { topP: 0.7 },
    { minP: 0.1 },
    { temperature: 1.2, topK: 40, topP: 0.9, minP: 0.02 },
  ])('are those of the distribution: %j', async (settings) => {
    expect(pValue(await counts(settings), expected(settings))).toBeGreaterThan(0.001);
  });

  it.each([{ temperature: 1.05 }, { temperature: 0.95 }])('tell %j from 1', async (settings) => {
    expect(pValue(await counts(settings), expected({}))).toBeLessThan(0.001);
  });
});
