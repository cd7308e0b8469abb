/**
 * One optimizer step: gradients of the micro-batches added up, clipped, applied. Losses arrive already
 * divided by the counts of the whole step, so that k micro-batches equal one large batch.
 */
import type {
  GradientOptions,
  PassSeconds,
  Policy,
  TokenBatch,
  TokenLoss,
} from '../model/index.js';
import { type AdamW, type Tensor1D, tf } from '../tensor/index.js';
import { GuardError } from '../util/errors.js';
import { explained } from './out-of-memory.js';

export interface MicroTask {
  readonly batch: TokenBatch;
  readonly lossOf: TokenLoss;
  readonly temperature?: number;
  /** Columns of the scores that the loss depends on; default: log p alone. */
  readonly columns?: GradientOptions['columns'];
}

export interface StepResult {
  readonly loss: number;
  /** Norm of the gradient before clipping. */
  readonly gradNorm: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** log p of the targets of each task. */
  readonly logps: readonly Float32Array[];
  readonly seconds: StepSeconds;
}

/** Where the time of a step went. */
export interface StepSeconds extends PassSeconds {
  /** Clipping and the update of the parameters. */
  readonly optimizer: number;
}

export interface TrainerOptions {
  readonly policy: Policy;
  readonly optimizer: AdamW;
  /** 0: no clipping. */
  readonly maxGradNorm: number;
  /** For dropout. */
  readonly seed: number;
}

const PHASES = ['forward', 'head', 'backward'] as const;

export class Trainer {
  readonly policy: Policy;
  readonly optimizer: AdamW;
  private readonly maxGradNorm: number;
  private readonly seed: number;

  constructor({ policy, optimizer, maxGradNorm, seed }: TrainerOptions) {
    this.policy = policy;
    this.optimizer = optimizer;
    this.maxGradNorm = maxGradNorm;
    this.seed = seed;
  }

  /** @throws GuardError when the loss or the gradient is not finite; parameters are then unchanged. */
  async step(
    tasks: readonly MicroTask[],
    { step, learningRate }: { readonly step: number; readonly learningRate: number },
  ): Promise<StepResult> {
    const metrics: Record<string, number> = {};
    const logps: Float32Array[] = [];
    let loss = 0;
    let total: Tensor1D | null = null;
    const seconds = { forward: 0, head: 0, backward: 0 };
    for (const [index, { batch, lossOf, temperature = 1, columns }] of tasks.entries()) {
      const dropoutSeed = this.seed * 1_000_003 + step * 1009 + index;
      const part = await this.policy
        .gradients(batch, lossOf, {
          temperature,
          dropoutSeed,
          ...(columns !== undefined && { columns }),
        })
        .catch((error: unknown) => {
          throw explained(error, `step ${step + 1}`);
        });
      loss += part.loss;
      logps.push(part.logps);
      for (const phase of PHASES) seconds[phase] += part.seconds[phase];
      for (const [name, value] of Object.entries(part.metrics)) {
        metrics[name] = (metrics[name] ?? 0) + value;
      }
      total = added(total, part.gradient);
    }
    if (total === null) throw new Error('Trainer.step: no tasks');
    const start = performance.now();
    const gradNorm = await this.applyClipped(total, { step, learningRate, loss });
    const optimizer = (performance.now() - start) / 1000;
    return { loss, gradNorm, metrics, logps, seconds: { ...seconds, optimizer } };
  }

  /** Clips as torch's `clip_grad_norm_`: by max/(norm + 1e-6) when that is below 1. */
  private async applyClipped(
    gradient: Tensor1D,
    { step, learningRate, loss }: { step: number; learningRate: number; loss: number },
  ): Promise<number> {
    const norm = tf.tidy(() => gradient.square().sum().sqrt());
    const gradNorm = (await norm.data())[0]!;
    norm.dispose();
    if (!Number.isFinite(gradNorm) || !Number.isFinite(loss)) {
      gradient.dispose();
      throw new GuardError({
        where: `step ${step + 1}`,
        problem: `loss is ${loss}, gradient norm is ${gradNorm}`,
        remedy: 'Parameters are as before this step. Lower learning_rate or set max_grad_norm',
      });
    }
    const factor = this.maxGradNorm > 0 ? Math.min(1, this.maxGradNorm / (gradNorm + 1e-6)) : 1;
    const clipped = tf.tidy(() => (factor < 1 ? gradient.mul(factor) : gradient) as Tensor1D);
    this.optimizer.apply(this.policy.parameters, clipped, learningRate);
    if (clipped !== gradient) clipped.dispose();
    gradient.dispose();
    return gradNorm;
  }
}

function added(total: Tensor1D | null, part: Tensor1D): Tensor1D {
  if (total === null) return part;
  const sum = tf.tidy(() => total.add(part) as Tensor1D);
  tf.dispose([total, part]);
  return sum;
}
