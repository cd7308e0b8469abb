/** Memory of the process over many rollouts of changing shapes, with a new adapter version each time. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { PLAIN_SAMPLING } from '../../src/rollout/index.js';
import { Rng } from '../../src/util/rng.js';
import { goldenAdapter, goldenCase, goldenSpec } from '../support/golden-rollouts.js';
import { goldenSampler } from '../support/golden-sampler.js';

const CALLS = 200;
/** Calls between readings. */
const INTERVAL = 10;
/** The cache alone of one call is 6 MiB; one call's tensors leaked each time would be hundreds of MiB. */
const MAX_GROWTH_MIB = 24;

function residentMib(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage.rss() / 2 ** 20;
}

it('stays flat over 200 calls of generate and score', async () => {
  const golden = goldenCase('llama');
  const spec = goldenSpec(golden);
  const adapter = goldenAdapter(golden);
  const sampler = await goldenSampler(golden, { maxContext: 128, maxBatch: 64 });
  const readings: number[] = [];
  for (let call = 0; call < CALLS; call++) {
    const rng = Rng.of('rollout-memory', call);
    sampler.setAdapter(call % 5 === 0 ? null : adapter);
    const requests = Array.from({ length: rng.int(1, 40) }, (_, i) => ({
      id: String(i),
      promptIds: Array.from({ length: rng.int(1, 60) }, () => rng.int(0, spec.vocabSize - 1)),
      n: rng.int(1, 3),
    }));
    const completions = await sampler.generate(requests, {
      ...PLAIN_SAMPLING,
      maxNewTokens: 24,
      seed: call,
    });
    await sampler.score(completions.map(({ promptIds, ids }) => [...promptIds, ...ids]));
    if (call % INTERVAL === INTERVAL - 1) readings.push(residentMib());
  }
  sampler.dispose();
  const warm = Math.max(...readings.slice(4, 8));
  const late = Math.max(...readings.slice(-4));
  expect(late - warm).toBeLessThan(MAX_GROWTH_MIB);
});
