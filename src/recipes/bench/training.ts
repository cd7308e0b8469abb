/** What the benchmarks of training share: a policy as the trainers build it, timed steps, one row of figures. */
import { type BenchSftConfig, commandSchemas, type SftConfig } from '../../config/index.js';
import { deviceInfo, gemmRate, hasHalfTensors } from '../../tensor/index.js';
import type { StepOutcome } from '../../train/index.js';
import { closing } from '../../util/close-stack.js';
import { describeMachine } from '../../util/machine.js';
import { sum } from '../../util/numbers.js';
import { quantizationName } from '../../weights/index.js';
import type { RecipeContext } from '../context.js';
import { type ModelSource, openModel } from '../inputs/model-source.js';
import type { BatchShape } from '../memory/batch-shape.js';
import type { SamplerBeside } from '../memory/samplers.js';
import { configureDevice } from '../training/configure-device.js';
import { type TrainedPolicy, trainedPolicy } from '../training/trained-policy.js';
import { peakRssMib, round } from './numbers.js';

type TrainingBenchConfig = Omit<BenchSftConfig, 'batch' | 'seq'>;

export interface TrainingFigures {
  readonly benchmark: string;
  readonly tokens_per_step: number;
  readonly tokens_per_s: number;
  /** The median of the measured steps. */
  readonly step_s: number;
  readonly peak_rss_mib: number;
  /** What the memory plan said before loading; on a GPU, of the card's memory. */
  readonly planned_mib: number;
  /** Seconds of the median step by what they were spent on. */
  readonly phases: Readonly<Record<string, number>>;
  /** Matrix products alone, 1e9 floating-point operations a second. */
  readonly gemm_gflops: number;
  /** The same of the step, by what the products of the model take; without those of recomputed layers. */
  readonly model_gflops?: number;
  /** The share of `gemm_gflops` that is. */
  readonly utilisation?: number;
  readonly compute_dtype: string;
  /** How the frozen base is kept, e.g. `nf4`; null: in the compute type. */
  readonly quantization: string | null;
  readonly fused_ops: boolean;
  readonly gradient_checkpointing: boolean | 'auto';
  readonly threads: number;
  /** Feature flags of the processor that decide such figures. */
  readonly cpu: readonly string[];
}

/** Steps before the measured ones. */
const WARM_UP = 2;

/** Of every step: small, so that no loss grows out of range. */
const LEARNING_RATE = 1e-4;

type Step = (step: number, learningRate: number) => Promise<StepOutcome>;

/**
 * @param stepOf Makes the step from an opened policy; `seconds` other than those of the trainer it reports
 *   through `extra`, which is read after each step.
 */
export async function benchTraining(
  config: TrainingBenchConfig,
  context: RecipeContext,
  bench: {
    readonly name: string;
    readonly shape: BatchShape;
    readonly samplers?: readonly SamplerBeside[];
    readonly stepOf: (
      trained: TrainedPolicy,
      source: ModelSource,
    ) => Promise<{
      readonly step: Step;
      /** Operations of the products of one step, where they are known. */
      readonly flops?: number;
      readonly extra?: () => Readonly<Record<string, number>>;
      readonly dispose?: () => void;
    }>;
  },
): Promise<TrainingFigures & Readonly<Record<string, unknown>>> {
  const trainer = trainerConfig(config);
  configureDevice(trainer);
  return await closing(async (stack) => {
    const opened = await openModel(config, context);
    const source = stack.adopt(opened, (own) => own.close());
    const { shape, samplers = [] } = bench;
    const options = { keepReference: false, shape, samplers };
    const trained = stack.adopt(trainedPolicy(trainer, source, options), (own) => own.dispose());
    const made = await bench.stepOf(trained, source);
    stack.defer(() => made.dispose?.());
    const { step, flops, extra = () => ({}) } = made;
    const runs: { seconds: number; outcome: StepOutcome; extra: Record<string, number> }[] = [];
    for (let i = 0; i < WARM_UP + config.steps; i++) {
      context.signal.throwIfAborted();
      const start = performance.now();
      const outcome = await step(i, LEARNING_RATE);
      const seconds = (performance.now() - start) / 1000;
      if (i >= WARM_UP) runs.push({ seconds, outcome, extra: { ...extra() } });
    }
    const quantization = source.quantization && quantizationName(source.quantization);
    const median = runs.sort((a, b) => a.seconds - b.seconds)[Math.floor(runs.length / 2)]!;
    return figures(config, { name: bench.name, median, trained, quantization, flops });
  });
}

function figures(
  config: TrainingBenchConfig,
  measured: {
    readonly name: string;
    readonly median: {
      readonly seconds: number;
      readonly outcome: StepOutcome;
      readonly extra: Readonly<Record<string, number>>;
    };
    readonly trained: TrainedPolicy;
    readonly quantization: string | null;
    readonly flops: number | undefined;
  },
): TrainingFigures & Readonly<Record<string, unknown>> {
  const { flops, median } = measured;
  const { seconds, outcome, extra } = median;
  // Before the matrices that the rate of products is measured on.
  const peak = peakRssMib();
  const compute = measured.trained.policy.fused ?? 'float32';
  const gemm = gemmRate(compute);
  const { native, threads, computeDtype } = deviceInfo();
  const phases = Object.entries(outcome.seconds ?? {});
  const known = sum(phases.map(([, value]) => value));
  const others = sum(Object.values(extra));
  return {
    benchmark: measured.name,
    tokens_per_step: outcome.tokens,
    tokens_per_s: round(outcome.tokens / seconds, 1),
    step_s: round(seconds, 3),
    ...Object.fromEntries(Object.entries(extra).map(([name, value]) => [name, round(value, 3)])),
    peak_rss_mib: peak,
    planned_mib: Math.round(measured.trained.plan.total / 2 ** 20),
    phases: Object.fromEntries(
      [...phases, ['data', seconds - known - others] as const].map(([name, value]) => [
        name,
        round(value, 3),
      ]),
    ),
    gemm_gflops: Math.round(gemm),
    ...(flops !== undefined && {
      model_gflops: Math.round(flops / seconds / 1e9),
      utilisation: round(flops / seconds / 1e9 / gemm, 3),
    }),
    compute_dtype: hasHalfTensors()
      ? (measured.trained.policy.fused ?? computeDtype)
      : computeDtype,
    quantization: measured.quantization,
    fused_ops: native.inUse,
    gradient_checkpointing: config.gradient_checkpointing,
    threads,
    cpu: describeMachine().features,
  };
}

/** The trainers' own config: LoRA on all linear modules, without dropout, as the peers are measured. */
function trainerConfig(config: TrainingBenchConfig): SftConfig {
  const { model, device, threads, seed, lora_rank } = config;
  const { gradient_checkpointing, compute_dtype, memory_limit } = config;
  const { load_in_4bit, bnb_4bit_quant_type, use_bnb_nested_quant } = config;
  return commandSchemas.sft.parse({
    model,
    dataset: { path: 'none' },
    gradient_checkpointing,
    compute_dtype,
    memory_limit,
    load_in_4bit,
    bnb_4bit_quant_type,
    use_bnb_nested_quant,
    device,
    threads,
    seed,
    lora: {
      r: lora_rank,
      lora_alpha: 2 * lora_rank,
      lora_dropout: 0,
      target_modules: 'all-linear',
    },
  }) as SftConfig;
}
