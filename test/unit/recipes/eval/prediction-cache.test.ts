/** Predictions on disk: kept, taken again, and refused for another key. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cachedSampler } from '../../../../src/recipes/eval/prediction-cache.js';
import type { Completion, Sampler } from '../../../../src/rollout/index.js';
import { PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

const dir = temporaryFolder();

/** Counts what it is asked; a completion names its request and index. */
function counting(aborted: ReadonlySet<string> = new Set()) {
  const asked: string[] = [];
  const generate: Sampler['generate'] = async (requests, _params, options = {}) =>
    requests.flatMap(({ id, n, promptIds }) => {
      asked.push(id);
      return Array.from({ length: n }, (_, sampleIndex): Completion => {
        const completion: Completion = {
          requestId: id,
          sampleIndex,
          promptIds,
          ids: [1, 2],
          text: `${id}.${sampleIndex}`,
          logprobs: Float32Array.of(-1, -0.25),
          finishReason: aborted.has(id) ? 'aborted' : 'stop',
          adapter: null,
          seconds: 1,
        };
        options.onCompletion?.(completion);
        return completion;
      });
    });
  return { asked, generate, adapterHash: null };
}

const PARAMS = { ...PLAIN_SAMPLING, maxNewTokens: 2, seed: 1 };
const requests = ['a', 'b'].map((id) => ({ id, promptIds: [7], n: 2 }));
const open = (name: string, sampler: ReturnType<typeof counting>, key = 'k') =>
  cachedSampler(sampler, { path: join(dir, name), key, log: () => {} });

describe('cachedSampler', () => {
  it('samples once, also when a half-written line follows', async () => {
    const first = await open('one.jsonl', counting()).generate(requests, PARAMS);
    appendFileSync(join(dir, 'one.jsonl'), '{"id":"a","sample');
    const sampler = counting();
    const again = await open('one.jsonl', sampler).generate(requests, PARAMS);
    expect(sampler.asked).toEqual([]);
    expect(again).toEqual(first);
  });

  it('samples again what was aborted', async () => {
    await open('two.jsonl', counting(new Set(['b']))).generate(requests, PARAMS);
    const sampler = counting();
    const again = await open('two.jsonl', sampler).generate(requests, PARAMS);
    expect(sampler.asked).toEqual(['b']);
    expect(again.map(({ text }) => text)).toEqual(['a.0', 'a.1', 'b.0', 'b.1']);
  });

  it('samples a request again whose prompt is another one, and keeps both', async () => {
    await open('prompts.jsonl', counting()).generate(requests, PARAMS);
    const changed = requests.map((request) => ({ ...request, promptIds: [8] }));
    const asked = async (wanted: typeof requests) => {
      const sampler = counting();
      await open('prompts.jsonl', sampler).generate(wanted, PARAMS);
      return sampler.asked;
    };
    expect(await asked(changed)).toEqual(['a', 'b']);
    expect(await asked(changed)).toEqual([]);
    expect(await asked(requests)).toEqual([]);
  });

  it('refuses predictions of something else', async () => {
    await open('three.jsonl', counting()).generate(requests, PARAMS);
    expect(() => open('three.jsonl', counting(), 'other')).toThrow('another model');
  });
});
