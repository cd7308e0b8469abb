/** An adapter that peft saved computes here what it computes there (scripts/golden/adapter.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { specFromConfig } from '../../src/model/index.js';
import { linearModules } from '../../src/model/spec-modules.js';
import type { JsonRow } from '../../src/util/files.js';
import { readAdapter, writeAdapter } from '../../src/weights/index.js';
import { largestGap } from '../support/gaps.js';
import { goldenWeights } from '../support/golden-models.js';
import { temporaryFolder } from '../support/temporary.js';
import { samplerScores, trainerScores } from './adapter-scores.js';

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
const model = { spec, weights, adapter };

test('in the trainer', async () => {
  const { base, adapted } = await trainerScores(model, expected.ids);
  expect(largestGap(adapted.flat(), expected.logprobs.flat())).toBeLessThan(1e-5);
  expect(largestGap(base.flat(), adapted.flat())).toBeGreaterThan(0.1);
});

test('in the sampler', async () => {
  const logprobs = await samplerScores(model, expected.ids);
  expect(largestGap(logprobs.flat(), expected.logprobs.flat())).toBeLessThan(1e-5);
});

test('written again, it is the same file', () => {
  const dir = temporaryFolder();
  writeAdapter(dir, adapter);
  const bytes = readFileSync(join(dir, TENSORS));
  expect(bytes.equals(readFileSync(join(FOLDER, TENSORS)))).toBe(true);
});
