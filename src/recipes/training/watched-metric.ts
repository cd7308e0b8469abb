/** The metric that tells the best step: its name as a config gives it, which way is better, and whether it is measured. */
import { nearest } from '../../config/index.js';
import { InputError } from '../../util/errors.js';
import type { TrainerConfig } from './trainer-config.js';

type WatchedKeys = Pick<
  TrainerConfig,
  'eval' | 'eval_steps' | 'metric_for_best_model' | 'greater_is_better'
> &
  Partial<Pick<TrainerConfig, 'eval_dataset'>>;

/** Metrics that an evaluation which could grade nothing does not have. */
export const UNGRADED: ReadonlySet<string> = new Set([
  'eval/accuracy',
  'eval/score',
  'eval/reward',
]);

const OF_COMPLETIONS = [
  ...UNGRADED,
  'eval/format_rate',
  'eval/boxed_rate',
  'eval/avg_completion_length',
  'eval/tools/call_frequency',
  'eval/tools/failure_frequency',
];

const OF_TOKENS = ['eval/loss', 'eval/mean_token_accuracy', 'eval/entropy'];

const OF_SIDES = [
  ...['rewards/chosen', 'rewards/rejected', 'rewards/accuracies', 'rewards/margins'],
  ...['logps/chosen', 'logps/rejected', 'logits/chosen', 'logits/rejected', 'nll_loss', 'kl'],
].map((name) => `eval/${name}`);

/** Of `eval_dataset`, by the trainer. */
const HELD_OUT: Readonly<Record<string, readonly string[]>> = {
  sft: OF_TOKENS,
  dpo: [...OF_TOKENS, ...OF_SIDES],
};

/** As rows have it; `eval_loss`, as transformers writes it, and `loss` are `eval/loss`. */
export function metricName({ metric_for_best_model: asked, eval_dataset }: WatchedKeys): string {
  if (asked === null) return eval_dataset ? 'eval/loss' : 'eval/accuracy';
  return `eval/${asked.replace(/^eval[_/]/, '')}`;
}

export const greaterIsBetter = (config: WatchedKeys): boolean =>
  config.greater_is_better ?? !metricName(config).endsWith('loss');

/** @throws InputError where evaluations during training will not have the metric; nothing is trained yet */
export function checkWatchedMetric(command: string, config: WatchedKeys): void {
  if (config.eval_steps === null) return;
  const known = [
    ...(config.eval === null ? [] : OF_COMPLETIONS),
    ...(config.eval_dataset ? (HELD_OUT[command] ?? []) : []),
  ];
  if (!known.includes(metricName(config))) throw unmeasured(config, known);
}

export function unmeasured(config: WatchedKeys, known: readonly string[]): InputError {
  const name = metricName(config);
  const like = nearest(name, known);
  const guess = like === undefined ? '' : `The nearest is ${like}. `;
  return new InputError({
    where: 'metric_for_best_model',
    problem: `"${name}" is not evaluated`,
    remedy: `${guess}Known are ${known.join(', ')}`,
  });
}
