/**
 * One optimizer step: gradients of the micro-batches added up, clipped, applied. Losses arrive already
 * divided by the counts of the whole step, so that k micro-batches equal one large batch.
 */
import { balanceLoss } from '../losses/index.js';
import type {
  GradientOptions,
  PassSeconds,
  Policy,
  TokenBatch,
  TokenLoss,
} from '../model/index.js';
import { explained, type Optimizer, type Tensor1D, tf } from '../tensor/index.js';
import { GuardError } from '../util/errors.js';
import { totalCounts } from './router-spread.js';

export interface MicroTask {
  readonly batch: TokenBatch;
  readonly lossOf: TokenLoss;
  readonly temperature?: number;
  /** Columns of the scores that the loss depends on; default: log p alone. */
  readonly columns?: GradientOptions['columns'];
  /** The loss logs means of logits. */
  readonly meanLogits?: boolean;
}

export interface StepResult {
  readonly loss: number;
  /** Norm of the gradient before clipping. */
  readonly gradNorm: number;
  /** Norm of the change of the parameters. */
  readonly updateNorm: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** log p of the targets of each task. */
  readonly logps: readonly Float32Array[];
  readonly seconds: StepSeconds;
}

/** Where the time of a step went. */
export interface StepSeconds extends PassSeconds {
  /** Clipping and the update of the parameters. */
  readonly optimizer: number;
  /** Log-probabilities by the reference policy, where the step has scored it. */
  readonly reference?: number;
}

/** The part of a row that every trainer has. */
export const stepMetrics = (result: StepResult): Record<string, number> => ({
  loss: result.loss,
  grad_norm: result.gradNorm,
  update_norm: result.updateNorm,
  ...result.metrics,
});

export interface TrainerOptions {
  readonly policy: Policy;
  readonly optimizer: Optimizer;
  /** 0: no clipping. */
  readonly maxGradNorm: number;
  /** For dropout. */
  readonly seed: number;
  /** Weight of the loss that keeps experts evenly used; default 0: none. */
  readonly routerAuxLossCoef?: number;
}

const PHASES = ['forward', 'head', 'backward'] as const;

interface StepPlace {
  readonly step: number;
  readonly learningRate: number;
}

/** Names the dropout of a micro-batch; in whole digits, which a number of a large seed does not keep. */
export const dropoutSeedOf = ({ seed, step, index }: MicroPlace): string =>
  String(BigInt(seed) * 1_000_003n + BigInt(step * 1009 + index));

interface MicroPlace {
  readonly seed: number;
  readonly step: number;
  /** Of the micro-batch in its step. */
  readonly index: number;
}

export class Trainer {
  readonly policy: Policy;
  readonly optimizer: Optimizer;
  readonly routerAuxLossCoef: number;
  private readonly maxGradNorm: number;
  private readonly seed: number;
  private changed = false;
  private hadRate = false;
  private begun = 0;

  /** @throws GuardError when there is nothing to train. */
  constructor({ policy, optimizer, maxGradNorm, seed, routerAuxLossCoef = 0 }: TrainerOptions) {
    if (policy.parameters.size === 0) {
      throw new GuardError({
        where: 'no_trainable_parameters',
        problem: 'the model has no trainable parameters',
        remedy: 'Check lora.target_modules, lora.exclude_modules and use_lora',
      });
    }
    this.policy = policy;
    this.optimizer = optimizer;
    this.routerAuxLossCoef = routerAuxLossCoef;
    this.maxGradNorm = maxGradNorm;
    this.seed = seed;
  }

  /** Steps with a learning rate above zero have changed no parameter. */
  get isStuck(): boolean {
    return this.hadRate && !this.changed;
  }

  /** Updates of the parameters that were begun. */
  get updates(): number {
    return this.begun;
  }

  /**
   * Without tasks (nothing in the step is learnt from) the gradient is zero; moments and decay still act.
   * @throws GuardError when the loss or the gradient is not finite, and parameters are then unchanged; or
   *   when a gradient and a rate above zero leave the parameters as they were and none has moved before.
   *   RunError, with what to change, when memory runs out.
   */
  async step(tasks: readonly MicroTask[], at: StepPlace): Promise<StepResult> {
    try {
      return await this.take(tasks, at);
    } catch (error) {
      throw explained(error, `step ${at.step + 1}`);
    }
  }

  private async take(
    tasks: readonly MicroTask[],
    { step, learningRate }: StepPlace,
  ): Promise<StepResult> {
    const metrics: Record<string, number> = {};
    const logps: Float32Array[] = [];
    let loss = 0;
    let total: Tensor1D | null = null;
    const begin = performance.now();
    const routerLoss = await this.routerLoss(tasks, step);
    const seconds = { forward: (performance.now() - begin) / 1000, head: 0, backward: 0 };
    for (const [index, task] of tasks.entries()) {
      const { batch, lossOf, temperature = 1, columns, meanLogits = false } = task;
      const dropoutSeed = dropoutSeedOf({ seed: this.seed, step, index });
      const part = await this.policy.gradients(batch, lossOf, {
        temperature,
        dropoutSeed,
        meanLogits,
        ...(routerLoss && { routerLoss }),
        ...(columns !== undefined && { columns }),
      });
      loss += part.loss;
      logps.push(part.logps);
      for (const phase of PHASES) seconds[phase] += part.seconds[phase];
      for (const [name, value] of Object.entries(part.metrics)) {
        metrics[name] = (metrics[name] ?? 0) + value;
      }
      total = added(total, part.gradient);
    }
    total ??= tf.fill([this.policy.parameters.size], 0) as Tensor1D;
    const start = performance.now();
    const { gradNorm, updateNorm } = await this.applyClipped(total, { step, learningRate, loss });
    const optimizer = (performance.now() - start) / 1000;
    if (updateNorm > 0) this.changed = true;
    if (learningRate > 0) this.hadRate = true;
    const shouldMove = gradNorm > 0 && learningRate > 0;
    if (!this.changed && shouldMove) throw unchanged(step, learningRate);
    const timed = { ...seconds, optimizer };
    return { loss, gradNorm, updateNorm, metrics, logps, seconds: timed };
  }

  /** Goes by the whole step: of one micro-batch its own pass knows that, of several a pass over each before. */
  private async routerLoss(
    tasks: readonly MicroTask[],
    step: number,
  ): Promise<GradientOptions['routerLoss']> {
    const { routerAuxLossCoef: coefficient, policy, seed } = this;
    if (coefficient === 0 || tasks.length === 0) return undefined;
    if (tasks.length === 1) return (own) => balanceLoss(own.probabilities, { coefficient, ...own });
    const uses = [];
    for (const [index, { batch }] of tasks.entries()) {
      uses.push(
        await policy.routerUse(batch, { dropoutSeed: dropoutSeedOf({ seed, step, index }) }),
      );
    }
    const whole = totalCounts(uses);
    return ({ probabilities }) => balanceLoss(probabilities, { coefficient, ...whole });
  }

  /** Clips as torch's `clip_grad_norm_`: by max/(norm + 1e-6) when that is below 1. */
  private async applyClipped(
    gradient: Tensor1D,
    { step, learningRate, loss }: { step: number; learningRate: number; loss: number },
  ): Promise<{ readonly gradNorm: number; readonly updateNorm: number }> {
    const norm = tf.tidy(() => gradient.square().sum().sqrt());
    const gradNorm = (await norm.data())[0]!;
    norm.dispose();
    if (!Number.isFinite(gradNorm) || !Number.isFinite(loss)) {
      gradient.dispose();
      throw new GuardError({
        where: `not_finite at step ${step + 1}`,
        problem: `loss is ${loss}, gradient norm is ${gradNorm}`,
        remedy: 'Parameters are as before this step. Lower learning_rate or set max_grad_norm',
      });
    }
    const factor = this.maxGradNorm > 0 ? Math.min(1, this.maxGradNorm / (gradNorm + 1e-6)) : 1;
    const clipped = tf.tidy(() => (factor < 1 ? gradient.mul(factor) : gradient) as Tensor1D);
    if (clipped !== gradient) gradient.dispose();
    const { parameters } = this.policy;
    this.begun += 1;
    const change = this.optimizer.apply(parameters, clipped, learningRate);
    const updateNorm = (await change.data())[0]!;
    tf.dispose([change, clipped]);
    return { gradNorm, updateNorm };
  }
}

function unchanged(step: number, learningRate: number): GuardError {
  return new GuardError({
    where: `unchanged_parameters at step ${step + 1}`,
    problem: `a learning rate of ${learningRate} changed no parameter`,
    remedy: 'The change is lost in rounding: raise learning_rate',
  });
}

function added(total: Tensor1D | null, part: Tensor1D): Tensor1D {
  if (total === null) return part;
  const sum = tf.tidy(() => total.add(part) as Tensor1D);
  tf.dispose([total, part]);
  return sum;
}
