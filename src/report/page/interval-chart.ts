/** Values with their intervals, one below the other. */
import type { EChartsCoreOption } from 'echarts/core';
import { largest } from '../../util/numbers.js';
import { percent } from '../text-table.js';
import { axis, GRID, labels, RULE, seriesColour, TEXT } from './chart-parts.js';
import { extent } from './extent.js';
import type { IntervalChart } from './report-types.js';

interface CustomApi {
  value(dimension: number): number;
  coord(point: readonly number[]): number[];
}

/** A dot at the value and a line over its interval. */
function intervalMark(_: unknown, api: CustomApi): unknown {
  const row = api.value(0);
  const [x = 0, y = 0] = api.coord([api.value(1), row]);
  const [left = 0] = api.coord([api.value(2), row]);
  const [right = 0] = api.coord([api.value(3), row]);
  const fill = seriesColour(row);
  const whisker = { x: left, y: y - 3, width: Math.max(1, right - left), height: 6, r: 3 };
  return {
    type: 'group',
    children: [
      { type: 'rect', shape: whisker, style: { fill, opacity: 0.35 } },
      { type: 'circle', shape: { cx: x, cy: y, r: 6 }, style: { fill } },
      {
        type: 'text',
        style: { text: percent(api.value(1)), x: right + 10, y: y - 6, fill: 'var(--ink)' },
      },
    ],
  };
}

/** Widest label of an interval, pixels. */
const LABEL = 160;

const longestLabel = ({ items }: IntervalChart): number =>
  largest(items.map(({ label }) => label.length));

/** For all lines of the longest label, pixels. */
export const rowHeight = (chart: IntervalChart): number =>
  Math.max(30, 14 * Math.ceil(longestLabel(chart) / (LABEL / 8)));

/** The next tenth beyond a share, 1 at most. */
const nextTenth = (share: number): number => Math.min(1, Math.ceil(share * 10 + 0.5) / 10);

export function intervalsOption(chart: IntervalChart): EChartsCoreOption {
  const { items } = chart;
  const { low, high } = extent(items.flatMap((item) => [item.low, item.high]));
  return {
    // Labels are measured without the page's font, which may be a tenth wider.
    grid: { ...GRID, left: 8 + Math.min(longestLabel(chart), LABEL / 6), bottom: 4, right: 52 },
    xAxis: axis({
      min: low < 0 ? -nextTenth(-low) : 0,
      max: nextTenth(Math.max(0, high)),
      ...labels((value) => `${Math.round(100 * value)}%`),
    }),
    yAxis: {
      ...axis({ inverse: true, splitLine: { show: false } }),
      type: 'category',
      axisLine: { ...RULE, onZero: false },
      data: items.map(({ label }) => label),
      axisLabel: { ...TEXT, color: 'var(--ink)', width: LABEL, overflow: 'break' },
    },
    series: [
      {
        type: 'custom',
        silent: true,
        renderItem: intervalMark,
        data: items.map(({ value, low, high }, i) => [i, value, low, high]),
        encode: { x: [1, 2, 3], y: 0 },
      },
    ],
  };
}
