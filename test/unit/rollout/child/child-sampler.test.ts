/** A sampler in a process of its own against the same in this one, on the CPU. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type ChildSampler,
  type Completion,
  createChildSampler,
  createOnnxSampler,
  type OnnxSampler,
  PLAIN_SAMPLING,
  type SamplingParams,
} from '../../../../src/rollout/index.js';
import { loadTokenizer, writeByteTokenizer } from '../../../../src/tokenizer/index.js';
import { InputError, RunError } from '../../../../src/util/errors.js';
import { goldenAdapter, goldenCase, goldenSpec, goldenWeights } from '../golden.js';

const golden = goldenCase('llama');
const spec = goldenSpec(golden);
const adapter = goldenAdapter(golden);
const tokenizerDir = mkdtempSync(join(tmpdir(), 'lorikeet-child-'));
writeByteTokenizer(tokenizerDir);

const base = {
  spec,
  weights: goldenWeights(golden),
  loraModules: golden.lora.modules,
  maxContext: 128,
  threads: 1,
};
const PARAMS: SamplingParams = { ...PLAIN_SAMPLING, maxNewTokens: 12, seed: 11 };
const requests = golden.prompts.map((promptIds, i) => ({ id: `prompt ${i}`, promptIds, n: 2 }));
const comparable = ({ seconds: _, ...rest }: Completion) => rest;

let here: OnnxSampler;
let child: ChildSampler;
beforeAll(async () => {
  here = await createOnnxSampler({ ...base, tokenizer: await loadTokenizer(tokenizerDir) });
  child = await createChildSampler({ ...base, tokenizerDir });
});
afterAll(() => {
  here.dispose();
  child.dispose();
  rmSync(tokenizerDir, { recursive: true });
});

async function isGone(pid: number): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await wait(50);
  }
  return false;
}

it('gives the same completions and scores, with and without an adapter', async () => {
  expect(child.pid).not.toBe(process.pid);
  for (const current of [null, adapter]) {
    const { hash } = await child.setAdapter(current);
    expect(hash).toBe(here.setAdapter(current).hash);
    expect(child.adapterHash).toBe(hash);
    for (const change of [{ temperature: 0 }, { temperature: 0.8, topK: 20 }]) {
      const params = { ...PARAMS, ...change };
      const seen: string[] = [];
      const onCompletion = ({ requestId }: Completion) => seen.push(requestId);
      const ours = await here.generate(requests, params);
      const theirs = await child.generate(requests, params, { onCompletion });
      expect(theirs.map(comparable)).toEqual(ours.map(comparable));
      expect(seen.length).toBe(ours.length);
    }
    expect(await child.score(golden.prompts)).toEqual(await here.score(golden.prompts));
  }
});

it('takes other weights', async () => {
  const weights = goldenWeights({ ...golden, case: 'other' }, spec);
  expect((await child.reloadWeights(weights, 'v2')).hash).toBe(
    (await here.reloadWeights(weights, 'v2')).hash,
  );
  expect(await child.score(golden.prompts)).toEqual(await here.score(golden.prompts));
});

it('gives its memory back and goes on as before, with its adapter and weights', async () => {
  const before = await child.score(golden.prompts);
  const pid = child.pid!;
  child.release();
  expect(await isGone(pid)).toBe(true);
  expect(await child.score(golden.prompts)).toEqual(before);
  expect(child.pid).not.toBe(pid);
});

it('passes errors on with their messages', async () => {
  const wrong = [{ id: 'a', promptIds: [spec.vocabSize], n: 1 }];
  const messageOf = (call: Promise<unknown>) => call.then(String, (error: Error) => error.message);
  const theirs = child.generate(wrong, PARAMS);
  await expect(theirs).rejects.toThrow(InputError);
  expect(await messageOf(theirs)).toBe(await messageOf(here.generate(wrong, PARAMS)));
  const tooLong = { ...base, tokenizerDir, maxContext: spec.maxPositions + 1 };
  await expect(createChildSampler(tooLong)).rejects.toThrow(/^rollout context: \d+ tokens/);
  const constraint = { start: () => ({ allowed: () => new Uint32Array(), push() {} }) };
  await expect(child.generate(requests, { ...PARAMS, constraint })).rejects.toThrow(
    /^response_format/,
  );
});

it('is stopped by a signal, and not by an interrupt at the terminal', async () => {
  const abort = new AbortController();
  const under = child.generate(
    requests.map((request) => ({ ...request, n: 64 })),
    { ...PARAMS, maxNewTokens: 100 },
    { signal: abort.signal, onCompletion: () => abort.abort() },
  );
  process.kill(child.pid!, 'SIGINT');
  const reasons = (await under).map(({ finishReason }) => finishReason);
  expect(reasons).toContain('aborted');
});

it('says how the process ended, and ends with its sampler', async () => {
  const doomed = await createChildSampler({ ...base, tokenizerDir });
  const under = doomed.generate(
    requests.map((request) => ({ ...request, n: 64 })),
    { ...PARAMS, maxNewTokens: 100 },
    { onCompletion: () => process.kill(doomed.pid!, 'SIGKILL') },
  );
  await expect(under).rejects.toThrow(RunError);
  await expect(doomed.score(golden.prompts)).rejects.toThrow(
    "rollouts: the sampler's process ended by SIGKILL",
  );
  doomed.dispose();
  const pid = child.pid!;
  child.dispose();
  expect(await isGone(pid)).toBe(true);
  await expect(child.score(golden.prompts)).rejects.toThrow('the sampler is disposed');
});
