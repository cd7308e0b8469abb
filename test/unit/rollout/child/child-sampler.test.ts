/** A sampler in a process of its own against the same in this one, on the CPU. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChildSampler } from '../../../../src/rollout/child/child-sampler.js';
import type { OnnxSampler } from '../../../../src/rollout/engine/onnx-sampler.js';
import {
  type Completion,
  createChildSampler,
  createOnnxSampler,
  PLAIN_SAMPLING,
  type SamplingParams,
  schemaConstraint,
} from '../../../../src/rollout/index.js';
import { loadTokenizer, writeByteTokenizer } from '../../../../src/tokenizer/index.js';
import { InputError, RunError } from '../../../../src/util/errors.js';
import { rejectionOf } from '../../../support/failures.js';
import {
  goldenAdapter,
  goldenCase,
  goldenSpec,
  goldenWeights,
} from '../../../support/golden-rollouts.js';
import { temporaryFolder } from '../../../support/temporary.js';

const golden = goldenCase('llama');
const spec = goldenSpec(golden);
const adapter = goldenAdapter(golden);
const tokenizerDir = temporaryFolder();
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
}, 60_000);
afterAll(() => {
  here.dispose();
  child.dispose();
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
  await child.release();
  expect(() => process.kill(pid, 0)).toThrow();
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
    /^constraint: .* of a schema only. Make it by schemaConstraint/,
  );
});

it('fails the call in which the caller fails on what it is told, and no other', async () => {
  const broken = () => {
    throw new Error('disk full');
  };
  for (const told of [{ onCompletion: broken }, { onToken: broken }]) {
    await expect(child.generate(requests, PARAMS, told)).rejects.toThrow('disk full');
  }
  expect((await child.generate(requests, PARAMS)).map(comparable)).toEqual(
    (await here.generate(requests, PARAMS)).map(comparable),
  );
});

const MIXED: readonly Partial<SamplingParams>[] = [
  { temperature: 0, maxNewTokens: 40, minNewTokens: 40 },
  { temperature: 0.6, topK: 9 },
  { repetitionPenalty: 1.5, logitBias: new Map([[4, 3]]) },
  { stopIds: [9] },
];
const mixed = MIXED.map((changes, i) => ({
  id: `r${i}`,
  promptIds: golden.prompts[0]!,
  n: 1,
  params: { ...PARAMS, ...changes },
}));

it('takes requests that come meanwhile, also as the last is done', async () => {
  const whole = new Map(
    (await here.generate(mixed, PARAMS)).map((one) => [one.requestId, one.ids]),
  );
  for (const when of ['at once', 'at the end'] as const) {
    const late = mixed.slice(1);
    const done = new Map<string, readonly number[]>();
    const order: string[] = [];
    const first = await child.generate(mixed.slice(0, 1), PARAMS, {
      onToken: ({ requestId }) => order.push(requestId),
      onCompletion: ({ requestId, ids }) => done.set(requestId, ids),
      arrivals: () =>
        when === 'at once' || done.size === mixed.length - late.length ? late.splice(0, 1) : [],
    });
    expect(first.map(({ requestId }) => requestId)).toEqual(['r0']);
    expect(done).toEqual(whole);
    // Those that come at once do not wait for the first one's end.
    const isJoined = order.indexOf('r1') < order.lastIndexOf('r0');
    expect(isJoined).toBe(when === 'at once');
  }
});

it('ends single requests, at work and on their way, and no others', async () => {
  const [working, late] = [new AbortController(), new AbortController()];
  const long = { ...PARAMS, maxNewTokens: 60, minNewTokens: 60 };
  const like = (id: string, signal?: AbortSignal) => ({
    id,
    promptIds: golden.prompts[0]!,
    n: 1,
    params: long,
    ...(signal && { signal }),
  });
  const arriving = [like('late', late.signal)];
  const reasons = new Map<string, string>();
  await child.generate([like('ends', working.signal), like('stays')], PARAMS, {
    arrivals: () => arriving.splice(0),
    onToken: ({ requestId }) => {
      if (requestId === 'ends') working.abort();
      if (requestId === 'stays') late.abort();
    },
    onCompletion: ({ requestId, finishReason }) => reasons.set(requestId, finishReason),
  });
  expect(Object.fromEntries(reasons)).toEqual({
    ends: 'aborted',
    stays: 'length',
    late: 'aborted',
  });
});

it('tells of a request of which no token can be chosen, and goes on with the others', async () => {
  const broken = { ...PARAMS, logitBias: new Map([[4, 1e308]]) };
  const asked = [
    { id: 'fails', promptIds: golden.prompts[0]!, n: 1, params: broken },
    { id: 'stays', promptIds: golden.prompts[0]!, n: 1 },
  ];
  const outcome = async (sampler: Pick<OnnxSampler, 'generate'>) => {
    const failures: [string, string][] = [];
    const onFailure = (id: string, error: unknown) => failures.push([id, String(error)]);
    const completions = await sampler.generate(asked, PARAMS, { onFailure });
    return { failures, completions: completions.map(comparable) };
  };
  const ours = await outcome(here);
  expect(ours.failures).toEqual([['fails', expect.stringMatching(/not finite|NaN|diverged/)]]);
  expect(ours.completions.map(({ finishReason }) => finishReason)).toEqual(['aborted', 'length']);
  expect(await outcome(child)).toEqual(ours);
  await expect(child.generate(asked, PARAMS)).rejects.toThrow(/not finite|NaN|diverged/);
});

it('writes by the constraint of a schema, of the call and of a request', async () => {
  const eosIds = [1];
  const tokenizer = { ...(await loadTokenizer(tokenizerDir)), eosIds };
  const vocabulary = { tokenBytes: tokenizer.tokenBytes(), endIds: eosIds };
  const of = (schema: unknown) => schemaConstraint({ schema, isCompact: true }, vocabulary);
  const params = { ...PARAMS, constraint: of({ enum: [12, 7] }) };
  const asked = [
    { id: 'a', promptIds: golden.prompts[0]!, n: 3 },
    {
      id: 'b',
      promptIds: golden.prompts[0]!,
      n: 1,
      params: { ...PARAMS, constraint: of({ const: 345 }) },
    },
  ];
  const own = await createOnnxSampler({ ...base, tokenizer });
  const other = await createChildSampler({ ...base, tokenizerDir, eosIds });
  const theirs = await other.generate(asked, params);
  expect(theirs.map(comparable)).toEqual((await own.generate(asked, params)).map(comparable));
  const texts = theirs.map(({ text }) => text);
  expect(texts).toEqual([...Array(3).fill(expect.stringMatching(/^(12|7)$/)), '345']);
  own.dispose();
  other.dispose();
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

/** A sampler whose process does this before it answers a call of this name. */
async function doomedOn(call: string, does: string, log: string): Promise<ChildSampler> {
  const preload = join(tokenizerDir, `${call}-${log}.cjs`);
  const begun = JSON.stringify(join(tokenizerDir, log));
  writeFileSync(
    preload,
    `const { emit } = process;
    process.emit = function (event, message, ...rest) {
      const call = event === 'message' ? message.call : undefined;
      if (call === 'open') require('node:fs').appendFileSync(${begun}, 'x');
      if (call === '${call}') { ${does} }
      return emit.call(this, event, message, ...rest);
    };`,
  );
  const NODE_OPTIONS = `--require ${preload}`;
  return await createChildSampler({ ...base, tokenizerDir, env: { ...process.env, NODE_OPTIONS } });
}

it('fails the calls of a process that is killed, and computes the next ones in another', async () => {
  const mortal = await createChildSampler({ ...base, tokenizerDir });
  const weights = goldenWeights({ ...golden, case: 'other' }, spec);
  await mortal.reloadWeights(weights, 'v2');
  await mortal.setAdapter(adapter);
  const before = await mortal.score(golden.prompts);
  const pid = mortal.pid!;
  const seen: Completion[] = [];
  const under = mortal.generate(
    requests.map((request) => ({ ...request, n: 64 })),
    { ...PARAMS, maxNewTokens: 100 },
    {
      onCompletion: (completion) => {
        seen.push(completion);
        process.kill(pid, 'SIGKILL');
      },
    },
  );
  await expect(under).rejects.toThrow(RunError);
  await expect(under).rejects.toThrow(
    /^rollouts: the sampler's process ended by SIGKILL, as the system does when memory runs out[.] The next call starts another/,
  );
  const count = seen.length;
  expect(mortal.pid).toBeUndefined();
  expect(await mortal.score(golden.prompts)).toEqual(before);
  expect(mortal.pid).not.toBe(pid);
  // The call that died was not tried again.
  expect(seen.length).toBe(count);
  mortal.dispose();
});

it('tells what the process said last, and starts no more after three in a row', async () => {
  const does = `console.error('terminate called after std::bad_alloc\\n    at frame'); process.exit(7);`;
  const doomed = await doomedOn('generate', does, 'starts');
  const starts = () => readFileSync(join(tokenizerDir, 'starts'), 'utf8').length;
  for (let death = 1; death <= 3; death++) {
    await expect(doomed.generate(requests, PARAMS)).rejects.toThrow(
      /ended with exit code 7; it said: terminate called after std::bad_alloc[.] The next/,
    );
    expect(starts()).toBe(death);
  }
  const refused = doomed.score(golden.prompts);
  await expect(refused).rejects.toThrow(/^rollouts: 3 processes .* before release\(\)/);
  expect((await rejectionOf(Error, refused)).cause).toMatchObject({
    message: expect.stringContaining('exit code 7'),
  });
  expect(starts()).toBe(3);
  await doomed.release();
  expect((await doomed.score(golden.prompts)).length).toBe(golden.prompts.length);
  expect(starts()).toBe(4);
  doomed.dispose();
});

it('holds the former weights after others could not be loaded', async () => {
  const doomed = await doomedOn('reloadWeights', 'process.abort();', 'reloads');
  const before = await doomed.score(golden.prompts);
  const weights = goldenWeights({ ...golden, case: 'other' }, spec);
  await expect(doomed.reloadWeights(weights, 'v2')).rejects.toThrow(/ended by SIGABRT/);
  expect(doomed.adapterHash).toBeNull();
  expect(await doomed.score(golden.prompts)).toEqual(before);
  doomed.dispose();
});

it('fails the calls under way when it is released, and ends with its sampler', async () => {
  const under = child.generate(requests, PARAMS);
  const pid = child.pid!;
  const left = child.release();
  await expect(under).rejects.toThrow('rollouts: the sampler was released while it was at work');
  await left;
  expect(() => process.kill(pid, 0)).toThrow();
  await child.score(golden.prompts);
  const next = child.pid!;
  child.dispose();
  expect(await isGone(next)).toBe(true);
  await expect(child.score(golden.prompts)).rejects.toThrow('the sampler is disposed');
});
