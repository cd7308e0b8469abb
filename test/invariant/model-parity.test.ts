import { describe, expect, test } from 'vitest';
import { sftLoss } from '../../src/losses/index.js';
import { collate, Policy, type TokenBatch } from '../../src/model/index.js';
import { toFloat32 } from '../../src/weights/index.js';
import {
  FAMILIES,
  type GoldenCase,
  goldenCase,
  goldenLora,
  goldenWeights,
  ROPE_CASES,
} from '../unit/model/golden.js';

const batchOf = ({ rows }: GoldenCase) =>
  collate(rows.map((ids) => ({ ids, trained: ids.map(() => true) })));

/** Every token of the vocabulary as a target at every real position. */
function wholeVocabulary(golden: GoldenCase): TokenBatch {
  const { vocabSize } = golden.spec;
  const batch = batchOf(golden);
  const places = golden.rows.flatMap((ids, row) => ids.map((_, t) => row * batch.length + t));
  const size = places.length * vocabSize;
  return {
    ...batch,
    positions: Int32Array.from({ length: size }, (_, i) => places[Math.floor(i / vocabSize)]!),
    targets: Int32Array.from({ length: size }, (_, i) => i % vocabSize),
  };
}

/** log-softmax of each row of V numbers. */
function logSoftmax(logits: Float32Array, vocabSize: number): Float64Array {
  const out = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += vocabSize) {
    const row = logits.subarray(start, start + vocabSize);
    const top = Math.max(...row);
    const total = Math.log(row.reduce((sum, z) => sum + Math.exp(z - top), 0)) + top;
    for (const [i, z] of row.entries()) out[start + i] = z - total;
  }
  return out;
}

function largestGap(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const gap = Math.abs(actual[i]! - expected[i]!);
    if (!(gap <= largest)) largest = gap;
  }
  return largest;
}

/** ‖g − g*‖ / ‖g*‖ */
function relativeError(actual: Float32Array, expected: Float32Array): number {
  const gaps = expected.map((value, i) => actual[i]! - value);
  return Math.hypot(...gaps) / Math.hypot(...expected);
}

async function logitError(golden: GoldenCase): Promise<number> {
  const { name, spec } = golden;
  const weights = goldenWeights(name, spec);
  const policy = new Policy({ spec, weights, lora: null, initialLora: [], checkpointedLayers: 0 });
  const scores = await policy.score(wholeVocabulary(golden));
  policy.dispose();
  const logps = Float32Array.from({ length: scores.length / 3 }, (_, i) => scores[3 * i]!);
  return largestGap(logps, logSoftmax(golden.logits, spec.vocabSize));
}

/** Loss and the relative gradient error of every trained tensor, full training or LoRA. */
async function gradientErrors(
  golden: GoldenCase,
  options: { readonly withLora: boolean; readonly checkpointedLayers: number },
) {
  const { name, spec } = golden;
  const { lora, initialLora } = options.withLora
    ? goldenLora(name, spec)
    : { lora: null, initialLora: [] };
  const { checkpointedLayers } = options;
  const weights = goldenWeights(name, spec);
  const policy = new Policy({ spec, weights, lora, initialLora, checkpointedLayers });
  const batch = batchOf(golden);
  const { gradient, loss } = await policy.gradients(batch, (scores) =>
    sftLoss(scores, { totalTokens: batch.targets.length }),
  );
  const found = (await gradient.data()) as Float32Array;
  const errors = new Map<string, number>();
  let offset = 0;
  for (const { name: parameter, shape } of policy.parameters.shapes) {
    const size = shape.reduce((a, b) => a * b, 1);
    const key = `${options.withLora ? 'lora' : 'grad'}.${parameter}`;
    const expected = golden.gradients.get(key);
    expect(expected?.shape, key).toEqual(shape);
    const part = found.subarray(offset, offset + size);
    errors.set(parameter, relativeError(part, toFloat32(expected!)));
    offset += size;
  }
  gradient.dispose();
  policy.dispose();
  return { loss, errors };
}

const report = (line: string) => {
  if (process.env.LORIKEET_REPORT) process.stderr.write(`${line}\n`);
};

describe.each(FAMILIES)('%s equals transformers', (name) => {
  const golden = goldenCase(name);

  test('logits', async () => {
    const error = await logitError(golden);
    report(`${name} logits ${error.toExponential(1)}`);
    expect(error).toBeLessThanOrEqual(1e-4);
  });

  test.each([
    { withLora: false, checkpointedLayers: 0 },
    { withLora: false, checkpointedLayers: golden.spec.layers.length },
    { withLora: true, checkpointedLayers: 0 },
    { withLora: true, checkpointedLayers: golden.spec.layers.length },
  ])('gradients %o', async (options) => {
    const { loss, errors } = await gradientErrors(golden, options);
    const [worst, error] = [...errors].reduce((a, b) => (b[1] > a[1] ? b : a));
    report(`${name} ${JSON.stringify(options)} ${error.toExponential(1)} ${worst}`);
    expect(Math.abs(loss - (options.withLora ? golden.loraLoss : golden.loss))).toBeLessThan(1e-5);
    const prefix = options.withLora ? 'lora.' : 'grad.';
    const expected = [...golden.gradients.keys()].filter((key) => key.startsWith(prefix));
    expect(errors.size).toBe(expected.length);
    for (const [parameter, value] of errors) expect(value, parameter).toBeLessThanOrEqual(1e-3);
  });
});

test.each(ROPE_CASES)('%s: logits equal transformers', async (name) => {
  const error = await logitError(goldenCase(name));
  report(`${name} logits ${error.toExponential(1)}`);
  expect(error).toBeLessThanOrEqual(1e-4);
});
