/**
 * Evaluation while a model trains, every `eval_steps`: accuracy by the `eval` section, the loss of
 * `eval_dataset`, and what follows from their history: the best step, early stopping, the rate's plateaus.
 */
import type { EvalRow } from '../../evaluate/index.js';
import { type AsyncGrader, hasBoxedAnswer } from '../../rewards/index.js';
import {
  bestEvaluation,
  type EvaluatedStep,
  plateauFactor,
  type StepEvaluation,
  shouldStop,
  withEvaluation,
} from '../../train/index.js';
import { share } from '../../util/numbers.js';
import { prefixed } from '../../util/prefixed.js';
import type { RecipeContext } from '../context.js';
import { evaluateWith, type Generates } from '../evaluation/evaluate-model.js';
import { sayShortfalls } from '../evaluation/shortfalls.js';
import { toolRates } from '../sampling/tool-rates.js';
import {
  type EvaluatedConfig,
  type EvaluationWriter,
  evaluationKeys,
  type TrainedEvaluation,
} from './evaluate-trained.js';
import type { TrainerConfig } from './trainer-config.js';
import { greaterIsBetter, metricName, UNGRADED, unmeasured } from './watched-metric.js';

type Numbers = Readonly<Record<string, number>>;

/** What is watched while training, and what follows from it. */
type WatchedConfig = EvaluatedConfig &
  Pick<
    TrainerConfig,
    | ('stop_at_accuracy' | 'metric_for_best_model' | 'greater_is_better' | 'lr_scheduler_type')
    | 'learning_rate'
    | ('early_stopping_patience' | 'early_stopping_threshold')
  > &
  Partial<Pick<TrainerConfig, 'eval_dataset' | 'load_best_model_at_end' | 'lr_scheduler_kwargs'>>;

interface Subject {
  readonly config: WatchedConfig;
  /** Null: the config asks for no accuracy. */
  readonly evaluation: TrainedEvaluation | null;
  /** Metrics of held-out examples; null: the config asks for none. */
  readonly heldOut: (() => Promise<Numbers>) | null;
  /** The trainer's own rewards; null: it has none. */
  readonly rewards: AsyncGrader | null;
  /** What samples from the weights of now. */
  readonly sampler: () => Promise<Generates>;
  /** Called after an evaluation: what samples may give its memory back. */
  readonly rest?: () => Promise<void>;
  /** Default: the sampler itself. */
  readonly writer?: EvaluationWriter | undefined;
  readonly onSamples: (step: number, rows: readonly EvalRow[]) => void;
  readonly log: RecipeContext['log'];
  /** Evaluations of the run so far. */
  readonly history: readonly EvaluatedStep[];
  /** The metric that they hold; absent: there are none. */
  readonly historyMetric?: string | undefined;
  /** Whether a step can be gone back to; default: all. */
  readonly isKept?: (step: number) => boolean;
}

/** The config key that ended a run before its last step. */
export type Ending = 'stop_at_accuracy' | 'early_stopping_patience';

const toolUse = ({ tool_calls: calls, tool_failures: failures = 0 }: EvalRow) =>
  calls === undefined ? [] : [{ calls, failures }];

/**
 * Evaluates the policy as it is after a step. An interrupt
 * waits for its end, so that a resumed run has the same rows and stops at the same step.
 */
export class DuringTraining {
  private readonly subject: Subject;
  private evaluated: readonly EvaluatedStep[];
  private ending: Ending | null = null;

  constructor(subject: Subject) {
    this.subject = subject;
    this.evaluated = this.comparable();
    this.sayLostBest();
  }

  /** The metric that is watched. */
  get metric(): string {
    return metricName(this.subject.config);
  }

  /** The history, or none of it where it is of another metric. */
  private comparable(): readonly EvaluatedStep[] {
    const { history, historyMetric: before = this.metric, log } = this.subject;
    if (before === this.metric || history.length === 0) return history;
    log(
      `metric_for_best_model is ${this.metric}, was ${before} before: the best step, early stopping and plateaus begin anew`,
    );
    return [];
  }

  /** The watched metric at each evaluation. */
  get history(): readonly EvaluatedStep[] {
    return this.evaluated;
  }

  /** Whether the evaluation after a step is known. */
  has(step: number): boolean {
    return this.evaluated.some((evaluation) => evaluation.step === step);
  }

  /** The best step that can be gone back to; null when none is kept. */
  get best(): number | null {
    return this.bestOf(this.evaluated.filter(({ step }) => this.isKept(step)));
  }

  /** The same of a run that ends with the model of step `last`, which has no need of a checkpoint. */
  bestBy(last: number): number | null {
    return this.bestOf(this.evaluated.filter(({ step }) => step === last || this.isKept(step)));
  }

  private bestOf(evaluated: readonly EvaluatedStep[]): number | null {
    const { config } = this.subject;
    if (config.load_best_model_at_end !== true) return null;
    const watch = { greaterIsBetter: greaterIsBetter(config) };
    return bestEvaluation(evaluated, watch)?.step ?? null;
  }

  private isKept(step: number): boolean {
    return this.subject.isKept?.(step) ?? true;
  }

  private sayLostBest(): void {
    const best = this.bestOf(this.evaluated);
    if (best === null || this.isKept(best)) return;
    this.subject.log(
      `load_best_model_at_end: the best step so far, ${best}, has no checkpoint in this run: it does not count`,
    );
  }

  /** Why the last evaluation ends the run; null when it does not. */
  get endedBy(): Ending | null {
    return this.ending;
  }

  /** What plateaus take off the learning rate. */
  rateFactor(): number {
    const { config } = this.subject;
    const { lr_scheduler_type: type, lr_scheduler_kwargs: shape } = config;
    if (type !== 'reduce_lr_on_plateau' || shape === undefined) return 1;
    const { learning_rate: rate } = config;
    const bounds = { lowest: (shape.min_lr ?? 0) / rate, least: shape.eps / rate };
    const watch = { greaterIsBetter: greaterIsBetter(config) };
    return plateauFactor(this.evaluated, { ...shape, ...bounds, ...watch });
  }

  /** @param step Optimizer steps done. */
  isDue(step: number): boolean {
    const { eval_steps: every } = this.subject.config;
    return every !== null && step % every === 0;
  }

  /** Evaluates, where it is due after so many steps. */
  async after(step: number): Promise<StepEvaluation> {
    const { config } = this.subject;
    const { stop_at_accuracy: target } = config;
    const metrics = { ...(await this.accuracy(step)), ...(await this.loss()) };
    const value = watched(config, metrics);
    if (value !== null) this.evaluated = withEvaluation(this.evaluated, { step, value });
    const { 'eval/accuracy': accuracy } = metrics;
    const isReached = target !== null && accuracy !== undefined && accuracy >= target;
    this.ending = isReached
      ? 'stop_at_accuracy'
      : this.isHopeless()
        ? 'early_stopping_patience'
        : null;
    return { metrics, isEnough: this.ending !== null, isBest: this.best === step };
  }

  private isHopeless(): boolean {
    const { config } = this.subject;
    const { early_stopping_patience: patience, early_stopping_threshold: threshold } = config;
    if (patience === null) return false;
    const watch = { greaterIsBetter: greaterIsBetter(config), threshold };
    return shouldStop(this.evaluated, { ...watch, patience });
  }

  private async accuracy(step: number): Promise<Numbers> {
    const { config, evaluation, rewards, sampler, rest, onSamples, log } = this.subject;
    const { writer = (own) => own } = this.subject;
    if (config.eval === null || evaluation === null) return {};
    const { inputs, graders } = evaluation;
    const keys = evaluationKeys(config, config.eval);
    const own = { keys, inputs, graders, rewards };
    const { metrics, rows } = await evaluateWith(writer(await sampler(), own), own).finally(rest);
    sayShortfalls({ metrics, rows }, { log });
    onSamples(step, rows);
    return {
      ...(metrics.accuracy !== null && { 'eval/accuracy': metrics.accuracy }),
      ...(metrics.mean_score !== undefined && { 'eval/score': metrics.mean_score }),
      ...(metrics.mean_reward !== null && { 'eval/reward': metrics.mean_reward }),
      'eval/format_rate': metrics.format_rate,
      'eval/boxed_rate': share(rows, ({ completion }) => hasBoxedAnswer(completion)),
      'eval/avg_completion_length': metrics.mean_length,
      ...prefixed('eval/', toolRates(rows.flatMap(toolUse))),
    };
  }

  private async loss(): Promise<Numbers> {
    const { heldOut } = this.subject;
    if (heldOut === null) return {};
    return prefixed('eval/', await heldOut());
  }
}

/** Null where the evaluation could grade nothing. */
function watched(config: WatchedConfig, metrics: Numbers): number | null {
  const name = metricName(config);
  const value = metrics[name];
  if (value !== undefined) return value;
  if (config.eval !== null && UNGRADED.has(name)) return null;
  throw unmeasured(config, Object.keys(metrics));
}
