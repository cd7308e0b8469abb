/**
 * Where an adapter starts, as PEFT has it. Default: A ~ U(−1/√in, 1/√in) (Kaiming uniform with a = √5),
 * `gaussian`: A ~ N(0, 1/r²); B = 0 in both, so that training starts from the base model. `false`: B is
 * uniform as well. `pissa`: see pissa.ts. DoRA's magnitudes start at the norms of the rows they scale,
 * replaced parameters at the base's values.
 */
import { onHost, rowNorms, tf } from '../tensor/index.js';
import { Rng } from '../util/rng.js';
import { type HostTensor, type LoraTarget, loraPartOf, toFloat32 } from '../weights/index.js';
import { type LoraPlan, loraA, loraB, loraMagnitude } from './lora.js';
import { parsePissa, principalParts, residual } from './pissa.js';
import { untied } from './replaced.js';
import type { DecoderSpec } from './spec.js';

type Weights = (name: string) => HostTensor;

export interface StartOptions {
  readonly spec: DecoderSpec;
  readonly seed: number;
  /** Of the base. */
  readonly weights: Weights;
}

export interface LoraStart {
  /** In the order of the plan's shapes. */
  readonly values: Float32Array[];
  /** What the frozen base holds: the given weights, or with PiSSA what is left of them. */
  readonly weights: Weights;
}

export function startLora(plan: LoraPlan, options: StartOptions): LoraStart {
  const values = new Map<string, Float32Array>();
  const shapes = new Map(plan.shapes.map(({ name, shape }) => [name, shape]));
  const pissa = parsePissa(plan.config.initLoraWeights);
  for (const target of plan.targets.values()) {
    const [nameA, nameB] = [loraA(target.module), loraB(target.module)];
    if (pissa === null) {
      const start = { init: plan.config.initLoraWeights, r: target.r, seed: options.seed };
      values.set(nameA, randomMatrix(nameA, shapes.get(nameA)!, start));
      values.set(nameB, randomMatrix(nameB, shapes.get(nameB)!, start));
    } else {
      const weight = options.weights(`${target.module}.weight`);
      const rng = Rng.of(options.seed, 'pissa', target.module);
      const { a, b } = principalParts(weight, { ...target, ...pissa, rng });
      values.set(nameA, a);
      values.set(nameB, b);
    }
  }
  const weights = pissa === null ? options.weights : residuals(plan, options.weights, values);
  return { values: withBase(plan, values, { spec: options.spec, weights }), weights };
}

/**
 * Values with which an adapter leaves the base as it is: its own A, B = 0, and magnitudes and replaced parameters
 * of the base.
 * @param values Of the adapter, in the order of the plan's shapes.
 */
export function baseLora(
  plan: LoraPlan,
  values: readonly Float32Array[],
  base: Omit<StartOptions, 'seed'>,
): Float32Array[] {
  const own = new Map(plan.shapes.map(({ name }, i) => [name, values[i]!]));
  for (const { module } of plan.targets.values()) {
    const name = loraB(module);
    own.set(name, new Float32Array(own.get(name)!.length));
  }
  return withBase(plan, own, base);
}

/** A and B of all targets, and what follows from them and the base; in the order of the plan's shapes. */
function withBase(
  plan: LoraPlan,
  values: Map<string, Float32Array>,
  { spec, weights }: Omit<StartOptions, 'seed'>,
): Float32Array[] {
  if (plan.config.useDora) {
    for (const target of plan.targets.values()) {
      values.set(loraMagnitude(target.module), norms(target, weights, values));
    }
  }
  const base = untied({ spec, weights }, plan).weights;
  for (const name of plan.replaced) values.set(name, toFloat32(base(name)));
  return plan.shapes.map(({ name }) => values.get(name)!);
}

interface RandomStart {
  readonly init: boolean | string;
  readonly r: number;
  readonly seed: number;
}

function randomMatrix(
  name: string,
  shape: readonly number[],
  { init, r, seed }: RandomStart,
): Float32Array {
  const [rows, columns] = shape as [number, number];
  const values = new Float32Array(rows * columns);
  if (loraPartOf(name) === 'b' && init !== false) return values;
  const rng = Rng.of(seed, 'lora', name);
  const bound = 1 / Math.sqrt(columns);
  for (let i = 0; i < values.length; i++) {
    values[i] = init === 'gaussian' ? rng.normal() / r : (2 * rng.uniform() - 1) * bound;
  }
  return values;
}

function residuals(
  { targets }: LoraPlan,
  weights: Weights,
  values: ReadonlyMap<string, Float32Array>,
): Weights {
  const targetOf = new Map([...targets.values()].map((one) => [`${one.module}.weight`, one]));
  return (name) => {
    const target = targetOf.get(name);
    if (target === undefined) return weights(name);
    const { module, scale } = target;
    return residual(weights(name), {
      a: values.get(loraA(module))!,
      b: values.get(loraB(module))!,
      scale,
    });
  };
}

function norms(
  { module, r, scale }: LoraTarget,
  weights: Weights,
  values: ReadonlyMap<string, Float32Array>,
): Float32Array {
  const weight = weights(`${module}.weight`);
  const [rows, columns] = weight.shape as [number, number];
  return onHost(() =>
    rowNorms({
      weight: tf.tensor2d(toFloat32(weight), [rows, columns]),
      a: tf.tensor2d(values.get(loraA(module))!, [r, columns]),
      b: tf.tensor2d(values.get(loraB(module))!, [rows, r]),
      scale,
    }),
  );
}
