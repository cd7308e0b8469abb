/** What a chart shows, in words: for screen readers. */
import { counted } from '../../util/counted.js';
import { mean } from '../../util/numbers.js';
import { formatCell, percent } from '../text-table.js';
import { extent } from './extent.js';
import type { Chart, IntervalItem, Series } from './report-types.js';

/** @example 'Loss. loss: 2.5 at step 1 to 0.5 at step 80, lowest 0.45, highest 2.6' */
export const chartText = (chart: Chart): string => [chart.title, ...sentences(chart)].join('. ');

function sentences(chart: Chart): string[] {
  switch (chart.type) {
    case 'lines':
      return chart.series.map((series) => seriesText(series, chart.xName ?? 'step'));
    case 'histogram':
      return [histogramText(chart.values)];
    case 'intervals':
      return chart.items.map(intervalText);
  }
}

function seriesText({ name, points }: Series, xName: string): string {
  const known = points.flatMap(([x, y]) => (y === null ? [] : [{ x, y }]));
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return `${name}: no values`;
  const at = (point: { x: number; y: number }) =>
    `${formatCell(point.y)} at ${xName} ${formatCell(point.x)}`;
  if (known.length === 1) return `${name}: ${at(first)}`;
  const { low, high } = extent(known.map(({ y }) => y));
  return `${name}: ${at(first)} to ${at(last)}, lowest ${formatCell(low)}, highest ${formatCell(high)}`;
}

function histogramText(values: readonly number[]): string {
  const { low, high } = extent(values);
  const centre = mean(values);
  return `${counted(values.length, 'value')} from ${formatCell(low)} to ${formatCell(high)}, mean ${formatCell(centre)}`;
}

const intervalText = ({ label, value, low, high }: IntervalItem): string =>
  `${label}: ${percent(value)}, interval ${percent(low)} to ${percent(high)}`;
