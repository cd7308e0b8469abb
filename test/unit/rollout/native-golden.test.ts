/** Our own operators against transformers, for every golden model; what the shorter precisions cost. */
import { describe, expect, it } from 'vitest';
import type { OnnxSampler } from '../../../src/rollout/engine/onnx-sampler.js';
import { type KernelOptions, PLAIN_SAMPLING } from '../../../src/rollout/index.js';
import {
  type GoldenCase,
  type GoldenRow,
  goldenAdapter,
  goldenCases,
} from '../../support/golden-rollouts.js';
import { goldenRequests, goldenSampler } from '../../support/golden-sampler.js';
import { testOperators } from '../../support/operators.js';

const kernels = testOperators();

async function withSampler<T>(
  golden: GoldenCase,
  precision: KernelOptions['precision'],
  body: (sampler: OnnxSampler) => Promise<T>,
): Promise<T> {
  const sampler = await goldenSampler(golden, { threads: 2, kernels: kernels(precision) });
  try {
    return await body(sampler);
  } finally {
    sampler.dispose();
  }
}

const sequencesOf = (golden: GoldenCase, rows: readonly GoldenRow[]) =>
  rows.map(({ greedy }, i) => [...golden.prompts[i]!, ...greedy]);

function differences(actual: readonly Float32Array[], rows: readonly GoldenRow[]): number[] {
  return rows.flatMap(({ logprobs }, i) => {
    expect(actual[i]!.length).toBe(logprobs.length);
    return logprobs.map((value, t) => Math.abs(actual[i]![t]! - value));
  });
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describe.each(goldenCases)('$case', (golden) => {
  it('in float32 generates and scores as the reference does, with and without an adapter', async () => {
    await withSampler(golden, 'float32', async (sampler) => {
      const params = { ...PLAIN_SAMPLING, temperature: 0, seed: 0, maxNewTokens: golden.newTokens };
      for (const rows of [golden.base, golden.lora.rows]) {
        sampler.setAdapter(rows === golden.base ? null : goldenAdapter(golden));
        const completions = await sampler.generate(goldenRequests(golden), params);
        expect(completions.map(({ ids }) => ids)).toEqual(rows.map(({ greedy }) => greedy));
        const scores = await sampler.score(sequencesOf(golden, rows));
        expect(Math.max(...differences(scores, rows))).toBeLessThan(1e-4);
      }
    });
  });

  it.each([
    ['bfloat16', 0.03],
    ['int8', 0.07],
  ] as const)('in %s is off by a mean of less than %d nats', async (precision, bound) => {
    await withSampler(golden, precision, async (sampler) => {
      for (const rows of [golden.base, golden.lora.rows]) {
        sampler.setAdapter(rows === golden.base ? null : goldenAdapter(golden));
        const gaps = differences(await sampler.score(sequencesOf(golden, rows)), rows);
        expect(mean(gaps)).toBeLessThan(bound);
        expect(mean(gaps)).toBeGreaterThan(1e-5);
      }
    });
  });
});

it.each(['float32', 'bfloat16', 'int8'] as const)(
  'in %s a model whose adapter holds a NaN chooses no tokens',
  async (precision) => {
    const golden = goldenCases[0]!;
    const adapter = goldenAdapter(golden);
    for (const { a } of adapter.tensors.values()) new Float32Array(a.bytes.buffer)[0] = Number.NaN;
    await withSampler(golden, precision, async (sampler) => {
      sampler.setAdapter(adapter);
      const params = { ...PLAIN_SAMPLING, seed: 0, maxNewTokens: 2 };
      const completions = sampler.generate(goldenRequests(golden), params);
      await expect(completions).rejects.toThrow(/logits of the model are not numbers/);
    });
  },
);
