/** Predictions on disk: kept, taken again, and refused for another key. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { promptHashOf } from '../../../../src/evaluate/index.js';
import { cachedSampler } from '../../../../src/recipes/eval/prediction-cache.js';
import type {
  Completion,
  GenerateOptions,
  PromptRequest,
  Sampler,
} from '../../../../src/rollout/index.js';
import { PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import { inWaves } from '../../../../src/rollout/waves.js';
import { writeJsonl } from '../../../../src/util/files.js';
import { temporaryFolder } from '../../../support/temporary.js';

const dir = temporaryFolder();

/** Counts what it is asked; a completion names its request and index. */
function counting(aborted: ReadonlySet<string> = new Set()) {
  const asked: string[] = [];
  const wave = (requests: readonly PromptRequest[], options: GenerateOptions) =>
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
  const generate: Sampler['generate'] = (requests, _params, options = {}) =>
    inWaves(requests, options.next ?? (async () => null), async (some) => wave(some, options));
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

  it('goes on behind more completions at once than one call takes arguments', async () => {
    const count = 130_000;
    const many = { id: 'many', promptIds: [7], n: count };
    const found = Array.from({ length: count }, (_, sample_index) => ({
      id: 'many',
      sample_index,
      prompt_hash: promptHashOf([7]),
      completion: '',
      completion_ids: [],
      logprobs: [],
      finish_reason: 'stop',
      adapter: null,
      seconds: 0,
    }));
    writeJsonl(join(dir, 'many.jsonl'), [{ key: 'k' }, ...found]);
    const follow = ({ requestId: id, sampleIndex }: { requestId: string; sampleIndex: number }) =>
      id === 'first' ? many : id === 'many' ? { id: `${sampleIndex}`, promptIds: [8], n: 1 } : null;
    // What is aborted is not written down, which would take the longest.
    const sampler = counting(new Set(Array.from({ length: count }, (_, i) => `${i}`)));
    const options = { next: async (completion: Completion) => follow(completion) };
    const first = [{ id: 'first', promptIds: [6], n: 1 }];
    const made = await open('many.jsonl', sampler).generate(first, PARAMS, options);
    expect(sampler.asked).toHaveLength(1 + count);
    expect(made).toHaveLength(1 + count);
  });

  it('refuses predictions of something else', async () => {
    await open('three.jsonl', counting()).generate(requests, PARAMS);
    expect(() => open('three.jsonl', counting(), 'other')).toThrow('another model');
  });

  it('asks all completions of a kept request for what follows, as the first run did', async () => {
    // Two at once, as with `maxSessions`: a request begins when both of another have ended.
    const solve = async (sampler: ReturnType<typeof counting>) => {
      const waiting = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, promptIds: [7], n: 2 }));
      const ended: string[] = [];
      await open('follow.jsonl', sampler).generate(waiting.splice(0, 1), PARAMS, {
        next: async ({ requestId, sampleIndex, promptIds }) => {
          if (requestId.length === 1) {
            return { id: `${requestId}/${sampleIndex}`, promptIds: [...promptIds, 8], n: 1 };
          }
          ended.push(requestId);
          return ended.length % 2 === 0 ? (waiting.shift() ?? null) : null;
        },
      });
      return ended;
    };
    const all = ['a', 'b', 'c', 'd', 'e'].flatMap((id) => [`${id}/0`, `${id}/1`]);
    const first = counting();
    expect(await solve(first)).toEqual(all);
    const path = join(dir, 'follow.jsonl');
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    for (let kept = lines.length; kept > 0; kept--) {
      writeFileSync(path, `${lines.slice(0, kept).join('\n')}\n`);
      expect((await solve(counting())).toSorted()).toEqual(all);
    }
    const again = counting();
    expect(await solve(again)).toEqual(all);
    expect(again.asked).toEqual([]);
  });
});
