/** Ways to compute that must come to the same: what is exact is asserted exactly. */
import { describe, expect, test } from 'vitest';
import type { DpoLossType, GrpoLossType } from '../../src/losses/index.js';
import {
  adapterFromLora,
  collate,
  loraFromAdapter,
  type MaskedSequence,
  NO_LORA,
  Policy,
  planLora,
} from '../../src/model/index.js';
import {
  dpoStep,
  grpoStep,
  ktoStep,
  type LabelledAnswer,
  type PreferencePair,
  sftStep,
  type Trainer,
  withReference,
} from '../../src/train/index.js';
import type { GradedCompletion } from '../../src/train/rollouts.js';
import { Rng } from '../../src/util/rng.js';
import { adapterHash, readAdapter, writeAdapter } from '../../src/weights/index.js';
import { largestGap, relativeGap } from '../support/gaps.js';
import { kept } from '../support/kept.js';
import { temporaryFolder } from '../support/temporary.js';
import { logpsOf } from '../support/token-rows.js';
import { adamwTrainer } from './adamw-trainer.js';
import {
  randomIds,
  type StepGradient,
  stepGradient,
  type TinyPolicyOptions,
  tinyModel,
  tinyPolicy,
} from './tiny-policy.js';

/** Float32 sums in another order. */
const ROUNDING = 1e-5;

/** Prompts and answers of unlike lengths. */
const LENGTHS = [
  [9, 5],
  [3, 14],
  [12, 1],
  [6, 7],
  [4, 2],
  [8, 9],
  [5, 3],
  [7, 11],
] as const;

function answered(prompt: readonly number[], answer: readonly number[]): MaskedSequence {
  const trained = [...prompt.map(() => false), ...answer.map(() => true)];
  return { ids: [...prompt, ...answer], trained };
}

const rng = Rng.of('equivalence');
const EXAMPLES = LENGTHS.map(([p, a]) => answered(randomIds(rng, p), randomIds(rng, a)));
const PAIRS: readonly PreferencePair[] = LENGTHS.map(([p, a], i) => {
  const prompt = randomIds(rng, p);
  const other = LENGTHS[(i + 3) % LENGTHS.length]![1];
  return {
    chosen: answered(prompt, randomIds(rng, a)),
    rejected: answered(prompt, randomIds(rng, other)),
  };
});
const COMPLETIONS: readonly GradedCompletion[] = LENGTHS.map(([p, a], i) => ({
  promptIds: randomIds(rng, p),
  ids: randomIds(rng, a),
  logprobs: Float32Array.from({ length: a }, () => -4 - rng.uniform()),
  advantage: i % 2 === 0 ? 0.5 + 0.1 * i : -1 + 0.1 * i,
}));

const made = (options: TinyPolicyOptions = {}) => kept(tinyPolicy(options));

function expectSame(actual: StepGradient, expected: StepGradient): void {
  expect(Math.hypot(...expected.gradient)).toBeGreaterThan(1e-3);
  expect(relativeGap(actual.gradient, expected.gradient)).toBeLessThan(ROUNDING);
  expect(Object.keys(actual.metrics)).toEqual(Object.keys(expected.metrics));
  for (const [name, value] of Object.entries(expected.metrics)) {
    expect(Math.abs(actual.metrics[name]! - value), name).toBeLessThan(
      2e-5 * (1 + Math.abs(value)),
    );
  }
}

const NLL = { lossType: 'nll', labelSmoothing: 0 } as const;

const sft =
  (microBatchSize: number, loss: SftLoss = NLL) =>
  (trainer: Trainer) =>
    sftStep({ trainer, examples: () => EXAMPLES, microBatchSize, loss });

type SftLoss = Parameters<typeof sftStep>[0]['loss'];

interface DpoCase {
  readonly lossType: DpoLossType;
  readonly pairs?: readonly PreferencePair[];
  readonly reference?: 'off' | 'reference';
  readonly sharePrompts?: boolean;
}

const dpo = (microBatchSize: number, options: DpoCase) => (trainer: Trainer) =>
  dpoStep({
    trainer,
    pairs: () => options.pairs ?? PAIRS,
    microBatchSize,
    reference: options.reference ?? 'off',
    sharePrompts: options.sharePrompts ?? true,
    losses: [
      { type: options.lossType, weight: 1 },
      { type: 'sft', weight: 0.2 },
    ],
    settings: { beta: 0.3, labelSmoothing: 0.1, simpoGamma: 0.5, cpoAlpha: 1, discopopTau: 0.05 },
  });

const ANSWERS: readonly LabelledAnswer[] = EXAMPLES.map((example, i) => ({
  ...example,
  desirable: i % 3 === 0,
}));

const kto = (microBatchSize: number) => (trainer: Trainer) =>
  ktoStep({
    trainer,
    answers: () => ANSWERS,
    microBatchSize,
    reference: 'off',
    settings: { beta: 0.3, desirableWeight: 1, undesirableWeight: 1.2 },
    usesKl: true,
    maxLength: 64,
  });

/** Of three ids the second is a tool's. */
const isSampled = (_: number, t: number): boolean => t % 3 !== 1;

/** The completions with outputs of tools among their ids. */
const WITH_TOOLS: readonly GradedCompletion[] = COMPLETIONS.map((completion) => ({
  ...completion,
  toolMask: completion.ids.map(isSampled),
  logprobs: completion.logprobs.filter(isSampled),
}));

interface GrpoCase {
  readonly lossType: GrpoLossType;
  readonly completions?: readonly GradedCompletion[];
  readonly numIterations?: number;
  readonly beta?: number;
  readonly level?: 'token' | 'sequence';
  readonly entropyCoef?: number;
  readonly sharePrompts?: boolean;
  /** At temperature 1, without a correction. */
  readonly isPlain?: boolean;
}

const grpo = (microBatchSize: number, options: GrpoCase) => (trainer: Trainer) =>
  grpoStep({
    trainer,
    collect: async () => ({ completions: options.completions ?? COMPLETIONS, metrics: {} }),
    microBatchSize,
    stepsPerGeneration: 1,
    numIterations: options.numIterations ?? 1,
    temperature: options.isPlain === true ? 1 : 0.7,
    lossType: options.lossType,
    loss: {
      importanceSamplingLevel: options.level ?? 'token',
      epsilon: 0.2,
      epsilonHigh: 0.28,
      delta: null,
      beta: options.beta ?? 0.1,
      klEstimator: 'k3',
      klWeighed: true,
      entropyCoef: options.entropyCoef ?? 0,
      sapo: { positive: 1, negative: 1.05 },
    },
    reference: 'off',
    sharePrompts: options.sharePrompts ?? true,
    maxCompletionLength: 20,
    correction:
      options.isPlain === true ? null : { mode: 'sequence_truncate', cap: 3, floor: null },
  });

describe('accumulated micro-batches equal one batch', () => {
  test.each([1, 3])('sft, %i at a time', async (size) => {
    for (const lora of [{}, null]) {
      const policy = made({ lora });
      expectSame(await stepGradient(policy, sft(size)), await stepGradient(policy, sft(8)));
    }
  });

  test('sft, packs of several examples', async () => {
    const policy = made();
    const packs = [[0, 3], [1], [2, 4, 5], [6, 7]].map((pack) => pack.map((i) => EXAMPLES[i]!));
    const packed = (trainer: Trainer) =>
      sftStep({ trainer, examples: () => packs, microBatchSize: 2, loss: NLL });
    expectSame(await stepGradient(policy, packed), await stepGradient(policy, sft(8)));
  });

  test.each<SftLoss>([
    { lossType: 'dft', labelSmoothing: 0 },
    { lossType: 'nll', labelSmoothing: 0.2 },
  ])('sft, %o', async (loss) => {
    const policy = made();
    const whole = await stepGradient(policy, sft(8, loss));
    expectSame(await stepGradient(policy, sft(3, loss)), whole);
    expect(
      relativeGap(whole.gradient, (await stepGradient(policy, sft(8))).gradient),
    ).toBeGreaterThan(0.01);
  });

  test('kto', async () => {
    const policy = made();
    const whole = await stepGradient(policy, kto(8));
    expectSame(await stepGradient(policy, kto(3)), whole);
  });

  test.each(['sigmoid', 'hinge', 'ipo', 'orpo', 'cpo'] as const)('dpo, %s', async (lossType) => {
    const policy = made();
    const whole = await stepGradient(policy, dpo(8, { lossType }));
    for (const size of [1, 3]) {
      expectSame(await stepGradient(policy, dpo(size, { lossType })), whole);
    }
  });

  test.each<GrpoCase>([
    { lossType: 'grpo' },
    { lossType: 'dapo', entropyCoef: 0.01 },
    { lossType: 'dr_grpo' },
    { lossType: 'cispo' },
    { lossType: 'grpo', level: 'sequence' },
    { lossType: 'dapo', completions: masked([1, 4]) },
    { lossType: 'grpo', completions: WITH_TOOLS, entropyCoef: 0.01 },
  ])('grpo, $lossType $level $entropyCoef', async (options) => {
    const policy = made();
    const whole = await stepGradient(policy, grpo(8, options));
    for (const size of [1, 3]) {
      expectSame(await stepGradient(policy, grpo(size, options)), whole);
    }
  });

  test('grpo: a masked completion counts, but none of its tokens', async () => {
    const policy = made();
    const left = COMPLETIONS.filter((_, i) => i !== 1);
    const without = await stepGradient(policy, grpo(8, { lossType: 'dr_grpo', completions: left }));
    const completions = masked([1]);
    const found = await stepGradient(policy, grpo(8, { lossType: 'dr_grpo', completions }));
    // 7 of the 8 completions, each with 1/(20 · 8) in place of 1/(20 · 7).
    expect(
      relativeGap(
        found.gradient.map((x) => (x * 8) / 7),
        without.gradient,
      ),
    ).toBeLessThan(1e-5);
  });

  test('grpo: a step with nothing to learn from has no gradient', async () => {
    const all = masked([...COMPLETIONS.keys()]);
    const found = await stepGradient(made(), grpo(8, { lossType: 'dapo', completions: all }));
    expect(found.gradient.every((value) => value === 0)).toBe(true);
    expect(found.metrics).toMatchObject({ loss: 0, grad_norm: 0 });
  });

  test('grpo, bnpo: of equal length only, as it is a mean of micro-batch means', async () => {
    const policy = made();
    const [lossType, completions] = ['bnpo', ofLength(4)] as const;
    const whole = await stepGradient(policy, grpo(8, { lossType, completions }));
    expectSame(await stepGradient(policy, grpo(2, { lossType, completions })), whole);
    const unequal = await stepGradient(policy, grpo(2, { lossType }));
    const one = await stepGradient(policy, grpo(8, { lossType }));
    expect(relativeGap(unequal.gradient, one.gradient)).toBeGreaterThan(0.01);
  });

  test('grpo, bnpo: a micro-batch of masked completions counts among the micro-batches', async () => {
    const policy = made();
    const all = ofLength(4);
    const long = [...all.keys()].sort(
      (a, b) => all[b]!.promptIds.length - all[a]!.promptIds.length,
    );
    const masks = new Set(long.slice(0, 4));
    const completions = all.map((completion, i) => ({ ...completion, isMasked: masks.has(i) }));
    const found = await stepGradient(policy, grpo(4, { lossType: 'bnpo', completions }));
    const left = all.filter((_, i) => !masks.has(i));
    const alone = await stepGradient(policy, grpo(4, { lossType: 'bnpo', completions: left }));
    const doubled = found.gradient.map((x) => 2 * x);
    expect(relativeGap(doubled, alone.gradient)).toBeLessThan(ROUNDING);
  });

  test('but not when a micro-batch is lost', async () => {
    const policy = made();
    const whole = await stepGradient(policy, sft(8));
    const part = await stepGradient(policy, (trainer) =>
      sftStep({ trainer, examples: () => EXAMPLES.slice(1), microBatchSize: 8, loss: NLL }),
    );
    expect(relativeGap(part.gradient, whole.gradient)).toBeGreaterThan(0.01);
  });
});

/** The completions, of which those at `places` are not learnt from. */
function masked(places: readonly number[]): readonly GradedCompletion[] {
  return COMPLETIONS.map((completion, i) => ({ ...completion, isMasked: places.includes(i) }));
}

/** The completions cut or drawn out to `length` tokens. */
const ofLength = (length: number): readonly GradedCompletion[] =>
  COMPLETIONS.map((completion) => ({
    ...completion,
    ids: Array.from({ length }, (_, t) => completion.ids[t % completion.ids.length]!),
    logprobs: new Float32Array(length).fill(-4.5),
  }));

test.each([COMPLETIONS, WITH_TOOLS])(
  'log-probabilities computed once before equal those of the step (%#)',
  async (...completions: readonly GradedCompletion[]) => {
    const policy = made();
    const options = { lossType: 'dapo', completions } as const;
    const once = await stepGradient(policy, grpo(3, { ...options, numIterations: 2 }));
    const live = await stepGradient(policy, grpo(3, options));
    expectSame(once, live);
  },
);

test('what tools put out is left out as in sft: advantages of 1 give its gradient', async () => {
  const policy = made();
  const completions = WITH_TOOLS.map((completion) => ({ ...completion, advantage: 1 }));
  const examples = completions.map(({ promptIds, ids, toolMask = [] }) => ({
    ids: [...promptIds, ...ids],
    trained: [...promptIds.map(() => false), ...toolMask],
  }));
  const options = { lossType: 'dapo', completions, beta: 0, isPlain: true } as const;
  const found = await stepGradient(policy, grpo(3, options));
  const expected = await stepGradient(policy, (trainer) =>
    sftStep({ trainer, examples: () => examples, microBatchSize: 3, loss: NLL }),
  );
  expect(relativeGap(found.gradient, expected.gradient)).toBeLessThan(ROUNDING);
  expect(found.metrics.entropy).toBeCloseTo(expected.metrics.entropy!, 5);
});

describe.each(['token', 'sequence'] as const)('clip ratios by %s', (level) => {
  /** Metrics of a second pass over the completions, the policy by then far from the first. */
  async function secondPass(microBatchSize: number): Promise<Readonly<Record<string, number>>> {
    const policy = made();
    const trainer = adamwTrainer(policy, { beta2: 0.9, maxGradNorm: 0, seed: 3 });
    const step = grpo(microBatchSize, { lossType: 'dapo', numIterations: 2, level })(trainer);
    await step(0, 0.02);
    const { metrics } = await step(1, 0.02);
    trainer.optimizer.dispose();
    return metrics;
  }

  test('have the extremes of single completions, whatever the micro-batches', async () => {
    const whole = await secondPass(8);
    expect(whole['clip_ratio/region_mean']).toBeGreaterThan(0.05);
    expect(whole['clip_ratio/high_max']).toBeGreaterThan(whole['clip_ratio/high_mean']! * 1.05);
    expect(whole['clip_ratio/high_max']).toBeLessThanOrEqual(1);
    // Every other completion has an advantage above 0, and nothing that could be clipped below.
    expect(whole['clip_ratio/low_min']).toBe(0);
    const single = await secondPass(1);
    for (const name of ['high_mean', 'high_max', 'low_min']) {
      expect(single[`clip_ratio/${name}`]).toBeCloseTo(whole[`clip_ratio/${name}`]!, 6);
    }
  });
});

describe.each(['llama', 'qwen2'] as const)('checkpointed layers of %s', (family) => {
  const cases = [
    { lora: {} },
    { lora: { loraDropout: 0.3 } },
    { lora: { targetModules: ['q_proj', 'down_proj'], layersToTransform: [0, 2] } },
    { lora: null },
  ];
  test.each(cases)('give the same gradient: %o', async ({ lora }) => {
    const kept = await stepGradient(made({ family, lora }), sft(3));
    for (const checkpointedLayers of [1, 2, 3]) {
      const policy = made({ family, lora, checkpointedLayers });
      expectSame(await stepGradient(policy, sft(3)), kept);
    }
  });

  test('drop out something', async () => {
    const plain = await stepGradient(made({ family }), sft(3));
    const dropped = await stepGradient(made({ family, lora: { loraDropout: 0.3 } }), sft(3));
    expect(relativeGap(dropped.gradient, plain.gradient)).toBeGreaterThan(0.01);
  });
});

describe('a prompt computed once equals one computed for each of its answers', () => {
  /** Four completions of two prompts each, of unlike lengths. */
  const grouped: readonly GradedCompletion[] = COMPLETIONS.map((completion, i) => ({
    ...completion,
    promptIds: COMPLETIONS[i % 2]!.promptIds,
  }));
  const models = [
    { lora: {} },
    { lora: {}, checkpointedLayers: 3 },
    { lora: null },
  ] satisfies TinyPolicyOptions[];

  test.each(models)('grpo: %o', async (model) => {
    const policy = made(model);
    const options: GrpoCase = {
      lossType: 'dapo',
      completions: grouped,
      ...(model.lora === null && { beta: 0 }),
    };
    const apart = await stepGradient(policy, grpo(8, { ...options, sharePrompts: false }));
    expectSame(await stepGradient(policy, grpo(8, options)), apart);
    expectSame(await stepGradient(policy, grpo(3, options)), apart);
  });

  test('dpo', async () => {
    const policy = made();
    const apart = await stepGradient(policy, dpo(4, { lossType: 'sigmoid', sharePrompts: false }));
    expectSame(await stepGradient(policy, dpo(4, { lossType: 'sigmoid' })), apart);
  });

  test('with fewer tokens', () => {
    const sequences = grouped.map(({ promptIds, ids }) => answered(promptIds, ids));
    const prompts = grouped.map(({ promptIds }) => promptIds.length);
    const saved = prompts.reduce((sum, length) => sum + length, 0) - prompts[0]! - prompts[1]!;
    const apart = collate(sequences, { sharePrompts: false }).ids.length;
    expect(collate(sequences).ids).toHaveLength(apart - saved);
  });
});

describe('on a base in 4 bits', () => {
  const quantization = { type: 'nf4', isNested: true } as const;
  const steps: Readonly<Record<string, (size: number) => Parameters<typeof stepGradient>[1]>> = {
    sft,
    dpo: (size) => dpo(size, { lossType: 'sigmoid' }),
    kto,
    grpo: (size) => grpo(size, { lossType: 'dapo' }),
  };

  test.each(Object.keys(steps))('%s: micro-batches and checkpointed layers', async (name) => {
    const step = steps[name]!;
    const whole = await stepGradient(made({ quantization }), step(8));
    for (const size of [1, 3]) {
      expectSame(await stepGradient(made({ quantization }), step(size)), whole);
    }
    const checkpointed = made({ quantization, checkpointedLayers: 3 });
    expectSame(await stepGradient(checkpointed, step(8)), whole);
    const full = await stepGradient(made(), step(8));
    expect(relativeGap(whole.gradient, full.gradient)).toBeGreaterThan(0.01);
  });

  test('packs and shared prompts', async () => {
    const policy = made({ quantization });
    const packs = [[0, 3], [1], [2, 4, 5], [6, 7]].map((pack) => pack.map((i) => EXAMPLES[i]!));
    const packed = (trainer: Trainer) =>
      sftStep({ trainer, examples: () => packs, microBatchSize: 2, loss: NLL });
    expectSame(await stepGradient(policy, packed), await stepGradient(policy, sft(8)));
    const shared = await stepGradient(policy, dpo(4, { lossType: 'sigmoid' }));
    const apart = dpo(4, { lossType: 'sigmoid', sharePrompts: false });
    expectSame(await stepGradient(policy, apart), shared);
  });
});

describe('sequences of one batch', () => {
  const [short, long] = [EXAMPLES[4]!, EXAMPLES[1]!];

  test('do not see each other', async () => {
    const policy = made();
    const alone = logpsOf(await policy.score(collate([short])));
    for (const batch of [collate([short, long]), collate([long, short, long])]) {
      const all = logpsOf(await policy.score(batch));
      const own = all.filter((_, i) => batch.sequences[i] === batch.rows % 2);
      expect(own).toHaveLength(2);
      expect(largestGap(own, alone)).toBeLessThan(ROUNDING);
    }
  });
});

describe('dpo with the reference scored before', () => {
  test.each(['off', 'reference'] as const)('equals the live one: %s', async (reference) => {
    const policy = made({ keepReference: reference === 'reference' });
    await moveAway(policy);
    const pairs = await withReference(PAIRS, { policy, reference, microBatchSize: 5 });
    const live = await stepGradient(policy, dpo(3, { lossType: 'sigmoid', reference }));
    const before = await stepGradient(policy, dpo(3, { lossType: 'sigmoid', reference, pairs }));
    expectSame(before, live);
    expect(Math.abs(live.metrics['rewards/margins']!)).toBeGreaterThan(1e-3);
  });
});

/** Changes the trained parameters, as training would. */
async function moveAway(policy: Policy): Promise<void> {
  const values = (await policy.parameters.values.data()) as Float32Array;
  policy.parameters.assign(values.map((value, i) => value + 0.02 * Math.sin(i)));
}

const WHOLE = EXAMPLES.map(({ ids }) => ({ ids, trained: ids.map(() => true) }));

describe('the reference policy', () => {
  test("'off' is the base model", async () => {
    const { spec, weights } = tinyModel('llama');
    const options = { spec, weights, lora: NO_LORA, initialLora: [], checkpointedLayers: 0 };
    const base = kept(new Policy(options));
    const policy = made();
    const batch = collate(WHOLE);
    const off = await policy.score(batch, { adapter: 'off' });
    expect(off).toEqual(await base.score(batch));
    expect(largestGap(logpsOf(off), logpsOf(await policy.score(batch)))).toBeGreaterThan(0.1);
  });

  test("'reference' stays what the adapter was", async () => {
    const policy = made({ keepReference: true });
    const batch = collate(WHOLE);
    const start = await policy.score(batch);
    await moveAway(policy);
    expect(await policy.score(batch, { adapter: 'reference' })).toEqual(start);
    expect(largestGap(await policy.score(batch), start)).toBeGreaterThan(0.01);
  });
});

describe('an adapter saved and loaded', () => {
  const configs = [
    {},
    { useRslora: true, rankPattern: { q_proj: 2 }, alphaPattern: { down_proj: 5 } },
    { targetModules: ['q_proj', 'v_proj'], layersToTransform: [1] },
    { targetModules: '.*\\.(up|gate)_proj', excludeModules: ['gate_proj'] },
  ];
  test.each(configs)('gives the same log-probabilities: %o', async (lora) => {
    const policy = made({ lora });
    await moveAway(policy);
    const plan = policy.lora!;
    const adapter = adapterFromLora(plan, await policy.parameters.download(), 'some/base');
    const dir = temporaryFolder();
    writeAdapter(dir, adapter);
    const loaded = readAdapter(dir);
    expect(adapterHash(loaded)).toBe(adapterHash(adapter));
    const { spec, weights } = tinyModel('llama');
    const again = planLora(spec, loaded.config);
    const initialLora = loraFromAdapter(again, loaded);
    const options = { spec, weights, lora: again, initialLora, checkpointedLayers: 0 };
    const restored = kept(new Policy(options));
    const batch = collate(WHOLE);
    expect(await restored.score(batch)).toEqual(await policy.score(batch));
  });
});
