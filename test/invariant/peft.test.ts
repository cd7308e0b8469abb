/** An adapter that peft saved computes here what it computes there (scripts/golden/adapter.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  collate,
  loraFromAdapter,
  Policy,
  planLora,
  specFromConfig,
} from '../../src/model/index.js';
import { linearModules } from '../../src/model/spec.js';
import { createOnnxSampler } from '../../src/rollout/index.js';
import type { JsonRow } from '../../src/util/files.js';
import { readAdapter, writeAdapter } from '../../src/weights/index.js';
import { temporaryFolder } from '../support/temporary.js';
import { goldenWeights } from '../unit/model/golden.js';
import { largestGap, logpsOf } from './tiny-policy.js';

const FOLDER = new URL('../fixtures/peft/trained/', import.meta.url).pathname;
const TENSORS = 'adapter_model.safetensors';

interface Expected {
  readonly config: JsonRow;
  readonly ids: readonly (readonly number[])[];
  readonly logprobs: readonly (readonly number[])[];
}

const expected = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as Expected;
const spec = specFromConfig('expected.json', expected.config);
const weights = goldenWeights('llama', spec);
const adapter = readAdapter(FOLDER, { base: linearModules(spec) });

test('in the trainer', async () => {
  const lora = planLora(spec, adapter.config);
  const initialLora = loraFromAdapter(lora, adapter);
  const policy = new Policy({ spec, weights, lora, initialLora, checkpointedLayers: 0 });
  const batch = collate(expected.ids.map((ids) => ({ ids, trained: ids.map(() => true) })));
  const adapted = logpsOf(await policy.score(batch));
  const base = logpsOf(await policy.score(batch, { adapter: 'off' }));
  policy.dispose();
  expect(largestGap(adapted, expected.logprobs.flat())).toBeLessThan(1e-5);
  expect(largestGap(base, adapted)).toBeGreaterThan(0.1);
});

test('in the sampler', async () => {
  const sampler = await createOnnxSampler({
    spec,
    weights,
    tokenizer: { eosIds: [], decode: () => '' },
    loraModules: [...adapter.tensors.keys()],
    maxContext: spec.maxPositions,
    threads: 1,
  });
  sampler.setAdapter(adapter);
  const logprobs = (await sampler.score(expected.ids)).flatMap((part) => Array.from(part));
  sampler.dispose();
  expect(largestGap(logprobs, expected.logprobs.flat())).toBeLessThan(1e-5);
});

test('written again, it is the same file', () => {
  const dir = temporaryFolder();
  writeAdapter(dir, adapter);
  const bytes = readFileSync(join(dir, TENSORS));
  expect(bytes.equals(readFileSync(join(FOLDER, TENSORS)))).toBe(true);
});
