/** The rollout graph against transformers: logits, greedy tokens and scores, with and without LoRA. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODEL_TYPES } from '../../../src/config/index.js';
import { KvCache } from '../../../src/rollout/engine/kv-cache.js';
import { Lane } from '../../../src/rollout/engine/lane.js';
import type { OnnxSampler } from '../../../src/rollout/engine/onnx-sampler.js';
import { prefill } from '../../../src/rollout/engine/prefill.js';
import { decoderGraph } from '../../../src/rollout/graph/decoder.js';
import { PLAIN_SAMPLING } from '../../../src/rollout/index.js';
import { encodeGraph } from '../../../src/rollout/onnx/model-files.js';
import { OrtSession } from '../../../src/rollout/ort/session.js';
import { largestGap } from '../../support/gaps.js';
import {
  type GoldenRow,
  goldenAdapter,
  goldenCases,
  goldenSpec,
  goldenWeights,
  onnxCases,
} from '../../support/golden-rollouts.js';
import { goldenRequests, goldenSampler } from '../../support/golden-sampler.js';

const ROPE_TYPES = ['llama3', 'linear', 'dynamic', 'yarn', 'longrope'];

const GREEDY = { ...PLAIN_SAMPLING, temperature: 0, seed: 0 };

describe('the golden cases', () => {
  it('cover every family and every rope scaling', () => {
    const types = new Set(goldenCases.map(({ config }) => config.model_type));
    expect([...types].sort()).toEqual([...MODEL_TYPES].sort());
    const ropes = goldenCases.map(({ config }) => config.rope_scaling as { rope_type: string });
    expect(ropes.map((rope) => rope?.rope_type)).toEqual(expect.arrayContaining(ROPE_TYPES));
  });

  it('have almost no near-ties, where greedy decoding is not decided by the model', () => {
    const passedOver = goldenCases.reduce((sum, { nearTies }) => sum + nearTies, 0);
    expect(passedOver).toBeLessThanOrEqual(2);
  });
});

describe.each(onnxCases)('$case', (golden) => {
  const spec = goldenSpec(golden);
  const weights = goldenWeights(golden, spec);
  let sampler: OnnxSampler;

  beforeAll(async () => {
    sampler = await goldenSampler(golden);
  });
  afterAll(() => sampler.dispose());

  async function expectRows(rows: readonly GoldenRow[]): Promise<void> {
    const params = { ...GREEDY, maxNewTokens: golden.newTokens };
    const completions = await sampler.generate(goldenRequests(golden), params);
    expect(completions.map(({ ids }) => ids)).toEqual(rows.map(({ greedy }) => greedy));
    const sequences = completions.map(({ promptIds, ids }) => [...promptIds, ...ids]);
    const scores = await sampler.score(sequences);
    for (const [i, { logprobs, greedy }] of rows.entries()) {
      expect(largestGap(scores[i]!, logprobs)).toBeLessThan(1e-4);
      const own = logprobs.slice(logprobs.length - greedy.length);
      expect(largestGap(completions[i]!.logprobs, own)).toBeLessThan(1e-4);
    }
  }

  it('has the logits of the reference after every prompt of a mixed batch', async () => {
    const files = encodeGraph(decoderGraph({ spec, source: weights, maxContext: 64 }));
    const session = OrtSession.create(files, { threads: 1 });
    const lane = new Lane({ session, spec, cache: new KvCache(spec) });
    await prefill(lane, golden.prompts, { inverseTemperature: 1, maxTokens: 2048 });
    for (const [row, { logits }] of golden.base.entries()) {
      expect(largestGap(lane.scores(row), logits)).toBeLessThan(1e-4);
    }
    lane.dispose();
    session.dispose();
  });

  it('penalises repetition and holds back the end of text as the reference does', async () => {
    const completions = await sampler.generate(goldenRequests(golden), {
      ...GREEDY,
      maxNewTokens: golden.newTokens,
      repetitionPenalty: golden.penalty.repetition_penalty,
      minNewTokens: golden.penalty.min_new_tokens,
    });
    expect(completions.map(({ ids }) => ids)).toEqual(golden.base.map((row) => row.penalised));
  });

  it('generates and scores as the reference does, without and with an adapter', async () => {
    await expectRows(golden.base);
    sampler.setAdapter(goldenAdapter(golden, spec));
    await expectRows(golden.lora.rows);
    sampler.setAdapter(null);
    await expectRows(golden.base);
  });
});
