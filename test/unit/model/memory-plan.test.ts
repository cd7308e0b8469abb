import { describe, expect, test } from 'vitest';
import { bandLength } from '../../../src/model/dense-layout.js';
import {
  largestMicroBatch,
  layersToCheckpoint,
  type MemoryQuestion,
  memoryPlan,
  specFromConfig,
} from '../../../src/model/index.js';
import type { DecoderSpec } from '../../../src/model/spec.js';
import { tokensOf } from '../../../src/recipes/memory/batch-shape.js';
import { memoryOfSamplers } from '../../../src/rollout/sampler-memory.js';

/** SmolLM2-135M's shape: 134.5 M parameters, of them 28.3 M embeddings. */
const spec = specFromConfig('llama', {
  model_type: 'llama',
  vocab_size: 49152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  max_position_embeddings: 8192,
  tie_word_embeddings: true,
});

/** LoRA of rank 16 on all linear modules, 8 × 512 tokens. */
const question: MemoryQuestion = {
  spec,
  trained: 4_884_480,
  isFull: false,
  elementBytes: 2,
  isFused: true,
  isNative: true,
  isOnGpu: false,
  tokens: 4096,
  longest: 512,
  predicted: 4096,
  checkpointedLayers: 0,
};
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Each token predicts another. */
const batchOf = (tokens: number) => ({ tokens, predicted: tokens });

/** @param peak Measured, MiB */
function expectNear(asked: MemoryQuestion, peak: number, [low, high]: readonly [number, number]) {
  const planned = memoryPlan(asked).total / MIB;
  expect(planned / peak).toBeGreaterThan(low);
  expect(planned / peak).toBeLessThan(high);
}

describe('the plan', () => {
  test('counts weights by element and what is trained by its five vectors', () => {
    const { weights, optimizer } = memoryPlan(question);
    // 49152·576 + 30·(576·(576 + 192 + 192 + 576) + 3·576·1536) matrix elements of two bytes, 61·576 norms of four.
    expect(weights).toBe(2 * (28_311_552 + 30 * 3_538_944) + 4 * 61 * 576);
    expect(optimizer).toBe(5 * 4 * 4_884_480);
  });

  test('counts linear modules in 4 bits by their codes and scales, and what is made of them', () => {
    const quantization = { type: 'nf4', isNested: false } as const;
    const plan = memoryPlan({ ...question, quantization });
    // Half a byte a weight, and four bytes for each 64.
    expect(plan.weights).toBe(2 * 28_311_552 + 30 * 3_538_944 * (0.5 + 4 / 64) + 4 * 61 * 576);
    const nested = memoryPlan({ ...question, quantization: { ...quantization, isNested: true } });
    // One byte for each 64, and four for each 256 of those.
    const saved = (30 * 3_538_944 * (4 - 1 - 4 / 256)) / 64;
    expect(plan.weights - nested.weights).toBeCloseTo(saved, 3);
    // Gate and up in bfloat16; without our own operations also chunks of one, in ten bytes, and both as one.
    const made = (isNative: boolean) =>
      memoryPlan({ ...question, isNative, quantization }).working -
      memoryPlan({ ...question, isNative }).working;
    expect(made(true)).toBeCloseTo(1.15 * 2 * 2 * 576 * 1536, 3);
    expect(made(false)).toBeCloseTo(1.15 * (4 * 2 + 10) * 576 * 1536, 3);
    expect(plan.total).toBeLessThan(memoryPlan(question).total);
  });

  test('counts the copy of the adapter that is the reference, and factors that differ', () => {
    const { trained } = question;
    const more = (keys: Partial<MemoryQuestion>, base: Partial<MemoryQuestion> = {}) =>
      memoryPlan({ ...question, ...base, ...keys }).optimizer -
      memoryPlan({ ...question, ...base }).optimizer;
    // The vector and its parts by name, in float32; products by TensorFlow's own operations take one in bfloat16.
    expect(more({ keepsReference: true })).toBe(8 * trained);
    expect(more({ keepsReference: true }, { isNative: false })).toBe(14 * trained);
    expect(more({ hasOwnScales: true })).toBe(0);
    expect(more({ hasOwnScales: true }, { isNative: false })).toBe(4 * trained);
  });

  test('adds what an update takes, where activations leave no room for it', () => {
    const short = { ...question, checkpointedLayers: 30, tokens: 512, predicted: 512 };
    const more = (keys: Partial<MemoryQuestion>) => {
      const { total, activation: _, ...parts } = memoryPlan({ ...short, ...keys });
      return total - Object.values(parts).reduce((sum, part) => sum + part, 0);
    };
    // Three vectors of 18.6 MiB beside those that the optimizer counts; gate or up: 512·1536·2 bytes.
    expect(memoryPlan(short).activation).toBe(512 * 1536 * 2);
    expect(more({})).toBeCloseTo(3 * 4 * 4_884_480, 3);
    // 2400 tokens: what a step leaves is more.
    expect(more({ tokens: 8192, predicted: 8192 })).toBe(0);
    // A card's memory is one for all: there it is the larger of the two.
    expect(more({ isOnGpu: true })).toBe(0);
    const { runtime, weights, total } = memoryPlan({
      ...short,
      isOnGpu: true,
      trained: 400_000_000,
    });
    expect(total - runtime - weights).toBeCloseTo(7 * 4 * 400_000_000, 0);
  });

  test('counts a mask of decay, or rates', () => {
    const masked = memoryPlan({ ...question, perParameter: 1 });
    expect(masked.optimizer - memoryPlan(question).optimizer).toBe(4 * 4_884_480);
  });

  test('counts what samples beside it, and the 4 bits that are kept for that', () => {
    const quantization = { type: 'nf4', isNested: false } as const;
    const beside = (keys: Partial<MemoryQuestion>) => memoryPlan({ ...question, ...keys });
    expect(beside({}).samplers).toBe(0);
    expect(beside({ quantization }).samplers).toBe(0);
    expect(beside({ samplers: 1e9 }).samplers).toBeCloseTo(1.15e9, 3);
    expect(beside({ samplers: 1e9 }).total - beside({}).total).toBeCloseTo(1.15e9, 3);
    const kept = 30 * 3_538_944 * (0.5 + 4 / 64);
    expect(beside({ samplers: 1e9, quantization }).samplers).toBeCloseTo(1.15 * (1e9 + kept), 3);
  });

  test('counts what a gated delta rule keeps, and what its gradient takes', () => {
    // Of Qwen3.5-0.8B, 2 × 512 tokens: 191 KB a token were measured on the tape of one layer, 519 at its gradient's peak.
    const qwen = specFromConfig('qwen', {
      model_type: 'qwen3_5_text',
      hidden_size: 1024,
      intermediate_size: 3584,
      num_hidden_layers: 2,
      num_attention_heads: 8,
      num_key_value_heads: 2,
      linear_num_value_heads: 16,
      layer_types: ['linear_attention', 'linear_attention'],
    });
    const keys = { ...question, ...batchOf(1024), spec: qwen };
    const { activations, working } = memoryPlan(keys);
    // Input and middle in float32; gate and up, q, k, v and z, b and a in bfloat16.
    const one = 2 * 4 * 1024 + 2 * (2 * 3584 + 4 * 2048 + 2 * 16);
    expect(activations / 1.15 / 1024).toBeCloseTo(2 * one, 6);
    const [tape, peak] = [190_700, 519_100];
    const near = (found: number, measured: number) => {
      expect(found / measured).toBeGreaterThan(0.95);
      expect(found / measured).toBeLessThan(1.15);
    };
    near(working / 1.15 / 1024, peak);
    // Heads take turns in groups, of four where all would hold more than twice 256 MiB.
    const long = memoryPlan({ ...keys, ...batchOf(4096) });
    near(long.working / 1.15 / 4096, peak / 4);
    const plain = memoryPlan({ ...keys, isFused: false });
    expect(plain.activations).toBeGreaterThan(1024 * 2 * 0.95 * tape);
  });

  test('counts what each layer keeps, attention or a convolution', () => {
    const kept = (types: readonly string[], keys: Partial<MemoryQuestion> = {}) => {
      const sizes = { hidden_size: 64, intermediate_size: 96, num_attention_heads: 4 };
      const lfm2 = specFromConfig('lfm2', {
        ...sizes,
        model_type: 'lfm2',
        block_auto_adjust_ff_dim: false,
        num_hidden_layers: types.length,
        num_key_value_heads: 2,
        layer_types: types,
      });
      return memoryPlan({ ...question, spec: lfm2, ...keys }).activations / 1.15 / question.tokens;
    };
    const [conv, full] = ['conv', 'full_attention'];
    // Input and middle in float32, gate and up, and b, c and x in bfloat16.
    const one = 2 * 4 * 64 + 2 * (2 * 96 + 3 * 64);
    // In place of the last: queries, keys, values, the result, queries and keys before their norms; a sum of each head.
    const other = 2 * 4 * 64 + 2 * (2 * 96 + 2 * 64 + 2 * 32 + 96) + 4 * 4;
    expect(kept([conv, conv])).toBeCloseTo(2 * one, 6);
    expect(kept([conv, full])).toBeCloseTo(one + other, 6);
    // Recomputed: the input, and b, c and x.
    const again = 4 * 64 + 2 * 3 * 64;
    expect(kept([conv, full], { checkpointedLayers: 2 })).toBeCloseTo(again + other, 6);
  });

  test('an MLP without a gate keeps only what is activated', () => {
    const of = (mlpGate: DecoderSpec['mlpGate']) =>
      memoryPlan({ ...question, spec: { ...question.spec, mlpGate } }).activations;
    const { layers, intermediateSize } = question.spec;
    const one = layers.length * 2 * intermediateSize;
    expect((of('linear') - of('itself')) / 1.15 / question.tokens).toBeCloseTo(one, 6);
    expect(of('none')).toBe(of('itself'));
  });

  test('counts the copy of an output head that has a bias', () => {
    const of = (headBias: boolean) =>
      memoryPlan({ ...question, spec: { ...question.spec, headBias } }).head;
    const { vocabSize, hiddenSize } = question.spec;
    expect((of(true) - of(false)) / 1.15).toBeCloseTo(2 * vocabSize * hiddenSize, 6);
  });

  test('counts all experts, and what those of a token keep', () => {
    const of = (keys: Partial<MemoryQuestion>, perToken = 2) => {
      const spec = specFromConfig('olmoe', {
        ...{ model_type: 'olmoe', vocab_size: 96, hidden_size: 64, intermediate_size: 48 },
        ...{ num_hidden_layers: 2, num_attention_heads: 4, num_experts: 8 },
        num_experts_per_tok: perToken,
      });
      return memoryPlan({ ...question, spec, ...keys });
    };
    const experts = 2 * 8 * 3 * 64 * 48;
    const quantization = { type: 'nf4', isNested: false } as const;
    const wide = experts + 2 * 4 * 64 * 64;
    expect(of({}).weights - of({ quantization }).weights).toBeCloseTo(wide * (2 - 0.5625), 3);
    // Gate and up of one more expert, and where its rows stand, in each of two layers.
    const more = of({}, 3).activations - of({}, 2).activations;
    expect(more / 1.15 / question.tokens).toBeCloseTo(2 * (2 * 2 * 48 + 4 * 4), 6);
    // A layer that is computed again goes the same way; the last one never is.
    const again = (perToken: number) => of({ checkpointedLayers: 2 }, perToken).activations;
    expect((again(3) - again(2)) / 1.15 / question.tokens).toBeCloseTo(2 * 2 * 48 + 2 * 4 * 4, 6);
    expect(of({}, 3).working).toBeGreaterThan(of({}, 2).working);
    // LoRA of rank 4 on all: what A makes for gate and up, rows of inputs, and B in another order.
    const expertLora = 2 * 8 * 4 * (2 * 64 + 3 * 48);
    const [none, adapted] = [of({}), of({ expertLora })];
    const perToken = (key: 'activations' | 'working') =>
      (adapted[key] - none[key]) / 1.15 / question.tokens;
    expect(perToken('activations')).toBeCloseTo(2 * 2 * 2 * 4 * 2, 6);
    expect(perToken('working')).toBeCloseTo(2 * 64 * 2, 6);
    expect(adapted.optimizer - none.optimizer).toBe(4 * expertLora);
    const kept = of({ expertLora, keepsReference: true });
    expect(kept.optimizer - of({ keepsReference: true }).optimizer).toBe(8 * expertLora);
  });

  test.each([
    ['what experts of a narrow inside give', 48, 3 * 64 * 4],
    ['the inside of wide ones', 256, 3 * 256 * 2],
  ])('its largest activation is %s', (_, inner, bytes) => {
    const spec = specFromConfig('olmoe', {
      ...{ model_type: 'olmoe', vocab_size: 96, hidden_size: 64, intermediate_size: inner },
      ...{ num_hidden_layers: 2, num_attention_heads: 4, num_experts: 8, num_experts_per_tok: 3 },
    });
    expect(memoryPlan({ ...question, spec }).activation).toBe(question.tokens * bytes);
  });

  test('is near the peaks that were measured with experts', () => {
    const spec = specFromConfig('qwen', {
      ...{ model_type: 'qwen3_moe', vocab_size: 512, hidden_size: 1024, num_hidden_layers: 3 },
      ...{ num_attention_heads: 16, num_key_value_heads: 4, head_dim: 64, num_experts: 16 },
      moe_intermediate_size: 256,
    });
    // Gradients of sequences of 512, LoRA of rank 16: bytes of an element, tokens, recomputed layers, MiB.
    const peaks = [
      [2, 4096, 0, 1481],
      [2, 4096, 3, 1459],
      [4, 2048, 0, 1348],
      [4, 2048, 3, 1249],
    ] as const;
    for (const [elementBytes, tokens, checkpointedLayers, peak] of peaks) {
      const asked = { ...question, ...batchOf(tokens), spec, elementBytes, trained: 368_640 };
      expectNear({ ...asked, longest: 512, checkpointedLayers }, peak, [0.95, 1.15]);
    }
  });

  test('is near the peaks that were measured', () => {
    // `bench sft` at this shape, in MiB without and with checkpointing.
    expectNear(question, 3061, [0.9, 1.1]);
    expectNear({ ...question, checkpointedLayers: 30 }, 1790, [0.9, 1.1]);
  });

  test('is near the peaks that were measured in float32', () => {
    // `bench sft` in float32 by our own operations: tokens of a step, recomputed layers, MiB.
    const peaks = [
      [4096, 30, 3179],
      [2048, 30, 2182],
      [2048, 0, 3103],
      [1024, 0, 2089],
    ] as const;
    for (const [tokens, checkpointedLayers, peak] of peaks) {
      const asked = {
        ...question,
        ...batchOf(tokens),
        elementBytes: 4,
        checkpointedLayers,
      } as const;
      expectNear(asked, peak, [0.93, 1.07]);
    }
  });

  test('is near the peaks that were measured where vectors of an update are larger than activations', () => {
    // `bench sft` as above: rank, tokens of a step, recomputed layers, MiB.
    const peaks = [
      [16, 512, 30, 1451],
      [16, 512, 0, 1665],
      [16, 1024, 30, 1650],
      [64, 512, 30, 1843],
      [64, 512, 0, 2048],
      [128, 256, 30, 2268],
    ] as const;
    for (const [rank, tokens, checkpointedLayers, peak] of peaks) {
      const trained = (question.trained * rank) / 16;
      const asked = { ...question, ...batchOf(tokens), elementBytes: 4, trained } as const;
      expectNear({ ...asked, checkpointedLayers }, peak, [0.95, 1.07]);
    }
  });

  test('is near the peaks that were measured in full training', () => {
    // `sft use_lora=false` in float32 by our own operations, all layers recomputed: tokens of a step, moments
    // of the optimizer and their bits, MiB.
    const peaks = [
      [512, 2, 32, 4114],
      [128, 2, 32, 4092],
      [128, 2, 8, 3371],
      [128, 1, 32, 3527],
      [128, 1, 8, 3082],
    ] as const;
    const full = { trained: 134_515_008, isFull: true, isFused: false, elementBytes: 4 } as const;
    for (const [tokens, count, bits, peak] of peaks) {
      const asked = { ...question, ...full, ...batchOf(tokens), moments: { count, bits } };
      expectNear({ ...asked, checkpointedLayers: 30 }, peak, [0.95, 1.1]);
    }
  });

  test('is not below the peaks that were measured of GRPO with prompts that completions share', () => {
    // `bench grpo` in float32 by our own operations and operators: prompts, their completions, tokens of a prompt and of
    // a completion, recomputed layers, MiB.
    const peaks = [
      [2, 8, 256, 32, 30, 2602],
      [4, 4, 128, 64, 0, 3022],
      [1, 8, 512, 64, 0, 2848],
      [4, 8, 256, 128, 0, 7239],
    ] as const;
    for (const [prompts, generations, length, completion, checkpointedLayers, peak] of peaks) {
      const [rows, longest] = [prompts * generations, length + completion];
      const samplers = memoryOfSamplers([
        {
          spec,
          precision: 'float32',
          stored: { linear: 'bfloat16', rest: 'bfloat16' },
          rows,
          context: longest,
          adapter: question.trained,
          isReloaded: false,
          isMapped: true,
        },
      ]);
      const batch = tokensOf({ rows, longest, shared: { length, generations } }, rows);
      const asked = { ...question, elementBytes: 4, samplers, longest, ...batch } as const;
      expectNear({ ...asked, checkpointedLayers }, peak, [1, 1.2]);
    }
  });

  test('counts the moments of the optimizer by their number and bits', () => {
    const bytes = (count: number, bits: 32 | 8) =>
      memoryPlan({ ...question, moments: { count, bits } }).optimizer / question.trained;
    // Parameters and two gradients; a byte for each parameter, and four for 256.
    expect(bytes(2, 32)).toBe(12 + 8);
    expect(bytes(1, 32)).toBe(12 + 4);
    expect(bytes(2, 8)).toBe(12 + 2 + 8 / 256);
    expect(bytes(1, 8)).toBe(12 + 1 + 4 / 256);
  });

  test('is near the peaks that were measured in float32 on a base in 4 bits', () => {
    // `bench sft` at 4 × 256 by our own operations, nf4, no recomputed layer: 1882 MiB.
    const quantization = { type: 'nf4', isNested: false } as const;
    const asked = { ...question, ...batchOf(1024), elementBytes: 4, quantization } as const;
    expectNear(asked, 1882, [0.93, 1.07]);
  });

  const PLACES: Readonly<Record<string, Partial<MemoryQuestion>>> = {
    'compiled layers in bfloat16': {},
    'compiled layers in float32': { elementBytes: 4 },
    'composed layers': { isNative: false },
    'composed layers on a GPU': { isNative: false, isOnGpu: true },
    'layers on the tape': { isFused: false, elementBytes: 4 },
    'layers on the tape of a GPU': { isFused: false, isNative: false, isOnGpu: true },
  };

  test.each(Object.keys(PLACES))('never falls where something grows, %s', (name) => {
    for (const checkpointedLayers of [0, 30]) {
      const asked = { ...question, ...PLACES[name], checkpointedLayers };
      const rises = (plans: readonly Partial<MemoryQuestion>[]) => {
        const totals = plans.map((plan) => memoryPlan({ ...asked, ...plan }).total);
        const falls = totals.filter((total, i) => i > 0 && total < totals[i - 1]! * (1 - 1e-12));
        expect(falls).toEqual([]);
      };
      const steps = Array.from({ length: 80 }, (_, i) => i + 1);
      // Sequences of a batch, tokens of a sequence, and ranks, on both sides of a vector as large as gate or up.
      rises(steps.map((rows) => batchOf(256 * rows)));
      rises(steps.map((part) => ({ ...batchOf(8 * 64 * part), longest: 64 * part })));
      const trained = (rank: number) => (question.trained / 16) * rank;
      rises(steps.map((rank) => ({ ...batchOf(8192), trained: trained(rank) })));
    }
  });

  test('grows with the tokens alone, whatever the length of a sequence', () => {
    for (const isNative of [true, false]) {
      const at = (longest: number) =>
        memoryPlan({ ...question, isNative, tokens: 4096, longest, predicted: 0 });
      expect(at(4096).activations).toBe(at(512).activations);
      expect(at(4096).working).toBe(at(512).working);
    }
  });
});

test('7 B in bfloat16 with LoRA of rank 64 trains on 4096 tokens within 80 GB of a GPU', () => {
  /** Qwen2.5-7B's shape: 7.62 G parameters, 28 layers, untied embeddings of 152,064 × 3,584. */
  const large = specFromConfig('qwen2', {
    model_type: 'qwen2',
    vocab_size: 152_064,
    hidden_size: 3584,
    intermediate_size: 18_944,
    num_hidden_layers: 28,
    num_attention_heads: 28,
    num_key_value_heads: 4,
    max_position_embeddings: 32_768,
    tie_word_embeddings: false,
  });
  // Per layer r·Σ(in + out): q 7168, k and v 4096 each, o 7168, gate, up and down 22,528 each.
  const trained = 28 * 64 * (2 * 7168 + 2 * 4096 + 3 * 22_528);
  const asked: MemoryQuestion = {
    spec: large,
    trained,
    isFull: false,
    elementBytes: 2,
    isFused: true,
    isNative: false,
    isOnGpu: true,
    tokens: 4096,
    longest: 4096,
    predicted: 4096,
    checkpointedLayers: 28,
  };
  const plan = memoryPlan(asked);
  expect(trained).toBe(161_480_704);
  expect(plan.weights / 1e9).toBeCloseTo(15.2, 1);
  expect(plan.total).toBeLessThan(80e9);
  // The matrices in float32 take twice the room; biases and norms, 0.6 M, are float32 in both.
  const full = memoryPlan({ ...asked, elementBytes: 4 });
  expect(full.weights / plan.weights).toBeCloseTo(2, 3);
  // The head's float32 copy of a bfloat16 matrix is counted.
  expect(plan.head - full.head).toBeGreaterThan(4 * 152_064 * 3584 - 1e9);
});

describe('layers to recompute', () => {
  test('are none with plenty, all with too little, and some between', () => {
    expect(layersToCheckpoint(question, 8 * GIB)).toBe(0);
    expect(layersToCheckpoint(question, 1 * GIB)).toBe(30);
    const some = layersToCheckpoint(question, 2 * GIB);
    expect(some).toBeGreaterThan(0);
    expect(some).toBeLessThan(30);
    const plan = (checkpointedLayers: number) =>
      memoryPlan({ ...question, checkpointedLayers }).total;
    expect(plan(some)).toBeLessThanOrEqual(2 * GIB);
    expect(plan(some - 1)).toBeGreaterThan(2 * GIB);
  });
});

test('the largest micro-batch fits, and one more sequence does not', () => {
  const tokensOf = (rows: number) => batchOf(512 * rows);
  const rows = largestMicroBatch(question, { budget: 2 * GIB, tokensOf });
  const total = (count: number) =>
    memoryPlan({ ...question, ...tokensOf(count), checkpointedLayers: 30 }).total;
  expect(total(rows)).toBeLessThanOrEqual(2 * GIB);
  expect(total(rows + 1)).toBeGreaterThan(2 * GIB);
  expect(largestMicroBatch(question, { budget: 0.5 * GIB, tokensOf })).toBe(0);
});

describe('queries that attention looks at together', () => {
  test('are few on the CPU, whatever their scores take', () => {
    expect(bandLength({ heads: 28, keys: 4096, isOnGpu: false })).toBe(128);
  });

  test.each([
    // 256 MiB / (4 bytes · 28 heads · 4096 keys) = 585.1 queries
    { heads: 28, keys: 4096, expected: 512 },
    // 256 MiB / (4 bytes · 9 heads · 2048 keys) = 3640.9 queries
    { heads: 9, keys: 2048, expected: 2048 },
    { heads: 64, keys: 131_072, expected: 128 },
  ])('on a GPU $heads heads and $keys keys give $expected', ({ heads, keys, expected }) => {
    expect(bandLength({ heads, keys, isOnGpu: true })).toBe(expected);
  });
});
