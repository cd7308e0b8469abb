/** How much memory a training will need, from its config: for `gradient_checkpointing: auto` and the dry run. */
import type { QuantizationKeys, SftConfig } from '../../config/index.js';
import {
  isPlainPlan,
  type LoraPlan,
  largestMicroBatch,
  layersToCheckpoint,
  type MemoryPlan,
  type MemoryQuestion,
  memoryPlan,
} from '../../model/index.js';
import type { DecoderSpec } from '../../model/spec.js';
import { parameterShapes } from '../../model/spec-modules.js';
import { packedRank } from '../../rollout/sampler-memory.js';
import type { ComputeType } from '../../tensor/index.js';
import { counted } from '../../util/counted.js';
import { describeMachine } from '../../util/machine.js';
import { sum } from '../../util/numbers.js';
import { elementCount } from '../../util/shape.js';
import { type HostDtype, isParameter, moduleOf } from '../../weights/index.js';
import { quantizationOf } from '../inputs/quantization.js';
import { type BatchShape, tokensOf } from './batch-shape.js';
import { hasCompiledOps, keepsHalfTensors, trainsOnGpu } from './compute-type.js';
import { memoryOfCard } from './gpu-memory.js';
import { type SamplerBeside, samplersBytes } from './samplers.js';

type QuestionKeys = Pick<SftConfig, 'device'> &
  Partial<QuantizationKeys & Pick<SftConfig, 'weight_decay' | 'lora' | 'optim'>>;

interface MemoryOf {
  readonly lora: LoraPlan | null;
  readonly compute: ComputeType;
  readonly shape: BatchShape;
  /** As in `MemoryQuestion`. */
  readonly keepsReference: boolean;
  readonly samplers: readonly SamplerBeside[];
  /** Type of the base's tensors. */
  readonly stored: HostDtype;
}

/** As `training/optimization.ts` makes the optimizers. */
export const MOMENTS = {
  adamw_torch: { count: 2, bits: 32 },
  adamw_8bit: { count: 2, bits: 8 },
  lion_32bit: { count: 1, bits: 32 },
  lion_8bit: { count: 1, bits: 8 },
} as const satisfies Record<SftConfig['optim'], MemoryQuestion['moments']>;

/** Vectors of one number for each parameter, as `training/parameter-groups.ts` makes them. */
function perParameter({ weight_decay: decay = 0, lora }: QuestionKeys, isFull: boolean): number {
  return Number(isFull ? decay > 0 : (lora?.loraplus_lr_ratio ?? 1) !== 1);
}

/** Number of parameters that are trained. */
export function trainedCount(spec: DecoderSpec, lora: LoraPlan | null): number {
  const shapes =
    lora === null ? [...parameterShapes(spec).values()] : lora.shapes.map(({ shape }) => shape);
  return sum(shapes.map(elementCount));
}

/** Those of them that are LoRA on experts, each `times` what its rank says. */
const expertCount = (lora: LoraPlan | null, times: (r: number) => number): number =>
  sum(
    (lora?.shapes ?? []).map(({ name, shape }) => {
      const parameter = moduleOf(moduleOf(name));
      if (!isParameter(parameter)) return 0;
      return elementCount(shape) * times(lora!.targets.get(parameter)!.r);
    }),
  );

/** Parameters of an adapter as samplers hold it. */
export const sampledCount = (spec: DecoderSpec, lora: LoraPlan | null): number =>
  lora === null ? 0 : trainedCount(spec, lora) + expertCount(lora, (r) => packedRank(r) - 1);

function question(
  config: QuestionKeys,
  spec: DecoderSpec,
  { lora, compute, shape, keepsReference, samplers, stored }: MemoryOf,
): Omit<MemoryQuestion, 'checkpointedLayers'> {
  const scales = new Set([...(lora?.targets.values() ?? [])].map(({ scale }) => scale));
  const isFused = isPlainPlan(lora);
  const isNative = hasCompiledOps(config);
  const isOnGpu = trainsOnGpu(config);
  const quantization = quantizationOf(config);
  const isQuantized = quantization !== null;
  const trained = trainedCount(spec, lora);
  const expertLora = expertCount(lora, () => 1);
  const adapter = sampledCount(spec, lora);
  return {
    spec,
    trained,
    expertLora,
    isFull: lora === null,
    elementBytes: isFused && keepsHalfTensors(config) && compute === 'bfloat16' ? 2 : 4,
    keepsReference,
    hasOwnScales: scales.size > 1,
    perParameter: perParameter(config, lora === null),
    moments: MOMENTS[config.optim ?? 'adamw_torch'],
    quantization,
    samplers: isOnGpu
      ? 0
      : samplersBytes(samplers, { spec, stored, isQuantized, isReloaded: !isFused, adapter }),
    isFused,
    isNative,
    isOnGpu,
    ...tokensOf(shape, shape.rows),
    longest: shape.longest,
  };
}

type MemoryKeys = QuestionKeys & Pick<SftConfig, 'gradient_checkpointing' | 'memory_limit'>;

/** Of the memory there is, where `memory_limit` says nothing. */
const BUDGET_SHARE = 0.6;

/** Bytes that training may use: of the machine's memory, or of the card's; 0 where that is not known. */
function budgetOf(config: MemoryKeys): number {
  if (config.memory_limit !== null) return config.memory_limit * 2 ** 30;
  const total = trainsOnGpu(config) ? memoryOfCard(config) : describeMachine().memory;
  return BUDGET_SHARE * (total ?? 0);
}

function layersOf(config: MemoryKeys, asked: Omit<MemoryQuestion, 'checkpointedLayers'>): number {
  if (config.gradient_checkpointing === true) return asked.spec.layers.length;
  if (config.gradient_checkpointing === false) return 0;
  return layersToCheckpoint(asked, budgetOf(config));
}

export interface TrainingMemory {
  readonly plan: MemoryPlan;
  /** Recomputed in the backward pass: all, none, or as few as the budget asks. */
  readonly checkpointedLayers: number;
}

/** To be asked before TensorFlow is loaded: from then on the process sees one card only. */
export function trainingMemory(
  config: MemoryKeys,
  spec: DecoderSpec,
  memory: MemoryOf,
): TrainingMemory {
  const asked = question(config, spec, memory);
  const checkpointedLayers = layersOf(config, asked);
  return { plan: memoryPlan({ ...asked, checkpointedLayers }), checkpointedLayers };
}

const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

/** The plan for people. */
export function memoryLines(config: MemoryKeys, spec: DecoderSpec, memory: MemoryOf): string[] {
  const { plan, checkpointedLayers: layers } = trainingMemory(config, spec, memory);
  const budget = budgetOf(config);
  // Sequences of full length in one micro-batch.
  const { shape } = memory;
  const largest = largestMicroBatch(question(config, spec, memory), {
    budget,
    tokensOf: (rows) => tokensOf(shape, rows),
  });
  const once = shape.shared === undefined ? '' : ', prompts once';
  const names = ['runtime', 'weights', 'optimizer', 'activations', 'working', 'head'] as const;
  const parts = [...names, ...(plan.samplers > 0 ? (['samplers'] as const) : [])]
    .map((name) => `${name} ${mib(plan[name])}`)
    .join(', ');
  const known = budget === 0 ? 'an unknown amount (nvidia-smi does not say)' : mib(budget);
  const where = trainsOnGpu(config) ? ' on the GPU' : '';
  return [
    `memory for a micro-batch of ${shape.rows} × ${counted(shape.longest, 'token')}${once}: ${mib(plan.total)} of ${known}${where} (${parts})`,
    `recomputes ${layers} of ${counted(spec.layers.length, 'layer')}; the largest micro-batch that fits has ${counted(largest, 'sequence')}`,
  ];
}
