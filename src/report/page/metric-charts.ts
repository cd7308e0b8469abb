/** Which metrics are drawn together, and under which titles. */
import type { MetricRow } from '../rows/metric-row.js';
import type { LineChart, Series } from './report-types.js';

interface ChartPlan {
  readonly title: string;
  /** Metric names; a capture group, where there is one, names the series. */
  readonly names: RegExp;
  readonly isSmoothed?: boolean;
  /** Not drawn where it is the same in all rows, as metrics of no plan. */
  readonly isLeftOutFlat?: boolean;
}

/** In the order of the page; a metric goes to the first plan that takes it. */
const PLANS: readonly ChartPlan[] = [
  { title: 'Loss', names: /^((?:nll_|policy_)?loss|eval_loss|eval\/loss)$/, isSmoothed: true },
  { title: 'Router loss of experts', names: /^(aux_loss)$/, isSmoothed: true },
  { title: 'Reward', names: /^(reward|eval\/reward)$/, isSmoothed: true },
  { title: 'Reward parts', names: /^rewards\/(.+)\/mean$/, isSmoothed: true },
  { title: 'Accuracy', names: /^((?:eval|samples)\/\w*accuracy|accuracy)$/ },
  { title: 'Reward spread', names: /^(reward_std|frac_reward_zero_std)$/, isSmoothed: true },
  { title: 'Spread of reward parts', names: /^rewards\/(.+)\/std$/, isSmoothed: true },
  { title: 'Implicit rewards', names: /^rewards\/(chosen|rejected)$/, isSmoothed: true },
  { title: 'Reward margin', names: /^rewards\/(margins)$/, isSmoothed: true },
  { title: 'Preference accuracy', names: /^rewards\/(accuracies)$/, isSmoothed: true },
  { title: 'Log-probability of answers', names: /^logps\/(chosen|rejected)$/, isSmoothed: true },
  { title: 'Mean logits of answers', names: /^logits\/(chosen|rejected)$/, isSmoothed: true },
  { title: 'Token accuracy', names: /^(.*mean_token_accuracy)$/, isSmoothed: true },
  { title: 'Completion length, tokens', names: /^completions\/((?:min|mean|max)_length)$/ },
  {
    title: 'Length of completions that ended, tokens',
    names: /^completions\/((?:min|mean|max)_terminated_length)$/,
  },
  { title: 'Score in evaluations', names: /^(eval\/score)$/ },
  { title: 'Format in evaluations', names: /^eval\/((?:format|boxed)_rate)$/ },
  { title: 'Length in evaluations, tokens', names: /^(eval\/avg_completion_length)$/ },
  { title: 'Blocks run by tools', names: /^tools\/((?:call|failure)_frequency)$/ },
  { title: 'Truncated completions', names: /^(completions\/clipped_ratio)$/ },
  { title: 'Completions without a grade', names: /^(ungraded)$/, isLeftOutFlat: true },
  { title: 'Entropy', names: /^(entropy)$/, isSmoothed: true },
  { title: 'KL to the reference', names: /^(kl)$/, isSmoothed: true },
  { title: 'Clipped ratios', names: /^(?:clip_ratio\/(.+)|(cispo_clip_ratio))$/ },
  { title: 'Sampler against trainer', names: /^(?:sampling|probe)\/(.*difference.*)$/ },
  { title: 'Importance ratio', names: /^sampling\/importance_sampling_ratio\/(.+)$/ },
  { title: 'Gradient norm', names: /^(grad_norm)$/, isSmoothed: true },
  { title: 'Size of the update', names: /^(update_norm)$/, isSmoothed: true },
  { title: 'Learning rate', names: /^(learning_rate)$/ },
  { title: 'Seconds a step', names: /^(?:time\/(.+)|(step_time))$/ },
  { title: 'Copying the adapter, milliseconds', names: /^(sync_ms)$/ },
  { title: 'Tokens a second', names: /^(tokens_per_s)$/ },
];

/** Counters, which say nothing as a curve, and what `time/` and `reward` have as well. */
const NOT_DRAWN = /^(step|epoch|num_tokens|rollout_time|wall_time|samples\/batch_mean_reward)$/;

/**
 * Line charts of all numeric metrics, known groups first, then one chart for each other metric that
 * is not the same in all rows.
 */
export function metricCharts(rows: readonly MetricRow[]): LineChart[] {
  const charts = new Map<string, { plan: ChartPlan; series: Series[] }>();
  for (const name of metricNames(rows)) {
    const known = PLANS.find(({ names }) => names.test(name));
    if ((known?.isLeftOutFlat ?? known === undefined) && isConstant(rows, name)) continue;
    const plan = known ?? { title: name, names: /(.*)/ };
    const chart = charts.get(plan.title) ?? { plan, series: [] };
    const label = plan.names.exec(name)?.slice(1).find(Boolean) ?? name;
    chart.series.push({ name: label, points: pointsOf(rows, name) });
    charts.set(plan.title, chart);
  }
  return [...charts.values()]
    .sort((a, b) => rank(a.plan) - rank(b.plan))
    .map(({ plan, series }) => ({
      type: 'lines',
      title: plan.title,
      series,
      isSmoothed: plan.isSmoothed ?? false,
    }));
}

function rank(plan: ChartPlan): number {
  const at = PLANS.indexOf(plan);
  return at < 0 ? PLANS.length : at;
}

function isConstant(rows: readonly MetricRow[], name: string): boolean {
  const values = new Set(rows.flatMap((row) => row[name] ?? []));
  return rows.length > 1 && values.size < 2;
}

function metricNames(rows: readonly MetricRow[]): string[] {
  const names = new Set<string>();
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      if (typeof value === 'number' && !NOT_DRAWN.test(name)) names.add(name);
    }
  }
  return [...names];
}

/** Rows without the metric are left out; one that holds no number (NaN) is a gap. */
function pointsOf(rows: readonly MetricRow[], name: string): [number, number | null][] {
  return rows
    .filter((row) => row[name] !== undefined)
    .map((row) => {
      const value = row[name];
      return [row.step, typeof value === 'number' && Number.isFinite(value) ? value : null];
    });
}
