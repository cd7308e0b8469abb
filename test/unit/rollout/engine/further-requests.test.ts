/** Requests that follow from completions join the call under way; other rows go on meanwhile. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OnnxSampler } from '../../../../src/rollout/engine/onnx-sampler.js';
import {
  type Completion,
  PLAIN_SAMPLING,
  type PromptRequest,
  type SamplingParams,
} from '../../../../src/rollout/index.js';
import { inWaves } from '../../../../src/rollout/waves.js';
import { InputError } from '../../../../src/util/errors.js';
import { goldenCase, goldenSpec } from '../../../support/golden-rollouts.js';
import { goldenSampler } from '../../../support/golden-sampler.js';

const golden = goldenCase('llama');
const spec = goldenSpec(golden);
const PARAMS: SamplingParams = { ...PLAIN_SAMPLING, maxNewTokens: 8, seed: 5 };
const REQUESTS: readonly PromptRequest[] = [3, 9, 17, 30].map((length, i) => ({
  id: `p${i}`,
  promptIds: Array.from({ length }, (_, j) => (i * 31 + j * 17) % spec.vocabSize),
  n: 2,
}));

let sampler: OnnxSampler;
beforeAll(async () => {
  sampler = await goldenSampler(golden, { loraModules: [], maxContext: 96, maxBatch: 3 });
});
afterAll(() => sampler.dispose());

/** What was written, and 7 more tokens behind it; two rounds of it. */
function continued({ requestId, sampleIndex, promptIds, ids }: Completion): PromptRequest | null {
  const [, rounds = ''] = requestId.split('+');
  if (rounds.length >= 2 || ids.length < 4) return null;
  const output = Array.from({ length: 7 }, (_, i) => (ids[0]! + i) % spec.vocabSize);
  const name = rounds === '' ? `${requestId}/${sampleIndex}+` : requestId;
  return { id: `${name}x`, promptIds: [...promptIds, ...ids, ...output], n: 1 };
}

const facts = (completions: readonly Completion[]) =>
  completions
    .map(({ requestId, sampleIndex, ids, logprobs, finishReason }) => ({
      requestId,
      sampleIndex,
      ids,
      finishReason,
      logprobs: Array.from(logprobs),
    }))
    .sort((a, b) => (a.requestId + a.sampleIndex < b.requestId + b.sampleIndex ? -1 : 1));

function expectSame(actual: readonly Completion[], expected: readonly Completion[]): void {
  const [ours, theirs] = [facts(actual), facts(expected)];
  expect(ours.map(({ logprobs: _, ...rest }) => rest)).toEqual(
    theirs.map(({ logprobs: _, ...rest }) => rest),
  );
  for (const [i, { logprobs }] of theirs.entries()) {
    for (const [t, logprob] of logprobs.entries()) {
      expect(ours[i]!.logprobs[t]).toBeCloseTo(logprob, 5);
    }
  }
}

describe('what follows from completions', () => {
  it('is sampled as in waves, whenever it comes', async () => {
    const waves = await inWaves(
      REQUESTS,
      async (completion: Completion) => continued(completion),
      (wave) => sampler.generate(wave, PARAMS),
    );
    expect(waves.length).toBeGreaterThan(REQUESTS.length * 2 + 8);
    const together: Completion[][] = [];
    for (const delay of [0, 3, 40]) {
      const made = await sampler.generate(REQUESTS, PARAMS, {
        next: async (completion) => {
          await wait((delay * completion.ids[0]!) % (delay + 1));
          return continued(completion);
        },
      });
      expectSame(made, waves);
      together.push(made);
      expect(made.slice(0, 8).map(({ requestId }) => requestId)).toEqual(
        REQUESTS.flatMap(({ id }) => [id, id]),
      );
    }
    expect(together.slice(1).map(facts)).toEqual([facts(together[0]!), facts(together[0]!)]);
  });

  it('holds up none of the others for some steps', async () => {
    let finished = 0;
    let open: () => void = () => {};
    const othersAreDone = new Promise<void>((resolve) => {
      open = resolve;
    });
    let isFirst = true;
    const made = await sampler.generate(REQUESTS, PARAMS, {
      onCompletion: () => {
        if (++finished === 8) open();
      },
      next: async (completion) => {
        if (!isFirst) return null;
        isFirst = false;
        await othersAreDone;
        return { id: 'late', promptIds: [...completion.promptIds, ...completion.ids], n: 1 };
      },
    });
    expect(made.map(({ requestId }) => requestId).at(-1)).toBe('late');
    expect(made).toHaveLength(9);
  });

  it('fails the call where it cannot be had, and leaves the sampler usable', async () => {
    const failing = sampler.generate(REQUESTS, PARAMS, {
      next: async () => {
        await wait(5);
        throw new Error('no sandbox');
      },
    });
    await expect(failing).rejects.toThrow('no sandbox');
    const twice = sampler.generate(REQUESTS, PARAMS, { next: async () => REQUESTS[0]! });
    await expect(twice).rejects.toThrow(InputError);
    expect(await sampler.generate(REQUESTS.slice(0, 1), PARAMS)).toHaveLength(2);
  });

  it('is not asked for after an abort', async () => {
    const stop = new AbortController();
    const asked: Completion[] = [];
    const made = await sampler.generate(REQUESTS, PARAMS, {
      signal: stop.signal,
      next: async (completion) => {
        asked.push(completion);
        stop.abort();
        return continued(completion);
      },
    });
    expect(made.filter(({ finishReason }) => finishReason === 'aborted').length).toBeGreaterThan(0);
    expect(asked.every(({ finishReason }) => finishReason !== 'aborted')).toBe(true);
    expect(made.length).toBe(8);
  });
});
