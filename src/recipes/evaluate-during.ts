/** Evaluation while a model trains, by the keys `eval_steps` and `stop_at_accuracy`. */
import type { EvalRow } from '../evaluate/index.js';
import type { OnnxSampler } from '../rollout/index.js';
import type { StepEvaluation } from '../train/index.js';
import { type EvaluationInputs, evaluateWith, evaluationSampler } from './evaluate-model.js';
import { evaluationKeys } from './evaluate-trained.js';
import type { ModelSource } from './model-source.js';
import type { TrainedPolicy, TrainerConfig } from './policy-source.js';
import { syncSampler } from './sync-sampler.js';

interface Subject {
  readonly config: TrainerConfig;
  /** Null: the config asks for no evaluation. */
  readonly inputs: EvaluationInputs | null;
  readonly source: ModelSource;
  readonly trained: TrainedPolicy;
  readonly onSamples: (step: number, rows: readonly EvalRow[]) => void;
}

/**
 * Evaluates the policy as it is after a step; its sampler is opened at the first evaluation. An interrupt
 * waits for its end, so that a resumed run has the same rows and stops at the same step.
 */
export class DuringTraining {
  private readonly subject: Subject;
  private sampler: OnnxSampler | null = null;

  constructor(subject: Subject) {
    this.subject = subject;
  }

  /** @param step Optimizer steps done. @returns null where no evaluation is due. */
  async after(step: number): Promise<StepEvaluation | null> {
    const { config, inputs, trained, source, onSamples } = this.subject;
    const { eval_steps: every, stop_at_accuracy: target } = config;
    if (config.eval === null || inputs === null || every === null || step % every !== 0)
      return null;
    const keys = evaluationKeys(config, config.eval);
    const loraModules = [...(trained.policy.lora?.targets.keys() ?? [])];
    this.sampler ??= await evaluationSampler(source, { keys, inputs, loraModules });
    await syncSampler(trained, this.sampler);
    const { metrics, rows } = await evaluateWith(this.sampler, { keys, inputs });
    onSamples(step, rows);
    return {
      metrics: {
        'eval/accuracy': metrics.accuracy,
        'eval/format_rate': metrics.format_rate,
        'eval/avg_completion_length': metrics.mean_length,
      },
      isEnough: target !== null && metrics.accuracy >= target,
    };
  }

  dispose(): void {
    this.sampler?.dispose();
    this.sampler = null;
  }
}
