/** The metric that tells the best step: its name as a config gives it, which way is better, and whether it is measured. */
import { InputError } from '../../util/errors.js';
import { knownNames } from '../../util/nearest.js';
import { givesScore } from '../evaluation/benchmark.js';
import type { EvaluationKeys } from '../evaluation/evaluation-inputs.js';
import { type EvaluatedConfig, evaluationKeys } from './evaluate-trained.js';
import type { TrainerConfig } from './trainer-config.js';

type WatchedKeys = Pick<
  TrainerConfig,
  'eval' | 'eval_steps' | 'metric_for_best_model' | 'greater_is_better'
> &
  Partial<Pick<TrainerConfig, 'eval_dataset' | 'tools'>>;

/** Metrics that an evaluation which could grade nothing does not have. */
export const UNGRADED: ReadonlySet<string> = new Set([
  'eval/accuracy',
  'eval/score',
  'eval/reward',
]);

/** As rows have it; `eval_loss`, as transformers writes it, and `loss` are `eval/loss`. */
export function metricName({ metric_for_best_model: asked, eval_dataset }: WatchedKeys): string {
  if (asked === null) return eval_dataset ? 'eval/loss' : 'eval/accuracy';
  return `eval/${asked.replace(/^eval[_/]/, '')}`;
}

export const greaterIsBetter = (config: WatchedKeys): boolean =>
  config.greater_is_better ?? !metricName(config).endsWith('loss');

/** What evaluations during training measure beside the answers' grades. */
interface Measured {
  /** Metrics of held-out rows; null: there are none. */
  readonly heldOut: readonly string[] | null;
  /** Whether the trainer has rewards of its own. */
  readonly hasRewards: boolean;
}

/** @throws InputError where evaluations during training will not have the metric; nothing is trained yet */
export function checkWatchedMetric(
  config: WatchedKeys & EvaluatedConfig,
  { heldOut, hasRewards }: Measured,
): void {
  if (config.eval_steps === null) return;
  const { eval: own, tools = [] } = config;
  const ofCompletions =
    own && completionMetrics(evaluationKeys(config, own), { tools, hasRewards });
  const known = [...(ofCompletions ?? []), ...(heldOut ?? [])].map((name) => `eval/${name}`);
  if (!known.includes(metricName(config))) throw unmeasured(config, known);
}

const completionMetrics = (
  keys: EvaluationKeys,
  { tools, hasRewards }: Pick<Measured, 'hasRewards'> & { readonly tools: readonly string[] },
): string[] => [
  'accuracy',
  ...(givesScore(keys) ? ['score'] : []),
  ...(hasRewards ? ['reward'] : []),
  ...['format_rate', 'boxed_rate', 'avg_completion_length'],
  ...(tools.length > 0 ? ['tools/call_frequency', 'tools/failure_frequency'] : []),
];

export function unmeasured(config: WatchedKeys, known: readonly string[]): InputError {
  const name = metricName(config);
  return new InputError({
    where: 'metric_for_best_model',
    problem: `"${name}" is not evaluated`,
    remedy: knownNames(name, known),
  });
}
