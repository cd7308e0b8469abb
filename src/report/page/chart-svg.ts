/**
 * Charts as SVG text, drawn by ECharts without a browser. Colours are CSS variables of the page, so one
 * picture serves light and dark.
 */

import { createRequire } from 'node:module';
import type { EChartsCoreOption, init } from 'echarts/core';
import { largest, mean } from '../../util/numbers.js';
import { formatCell, percent } from '../text-table.js';
import { chartText } from './chart-text.js';
import { extent } from './extent.js';
import { escapeHtml } from './html.js';
import type { Chart, HistogramChart, IntervalChart, LineChart } from './report-types.js';

/** Drawn at this width in pixels; the page scales it. */
const WIDTH = 400;
const HEIGHT = 210;
const SERIES_COLOURS = 6;
/** Series of more points get a moving average, where the chart asks for one. */
const SMOOTH_ABOVE = 60;
const BINS = 24;

/** CSS colour of the i-th series; they repeat after six, on dashed lines. */
export function seriesColour(index: number): string {
  return `var(--c${(index % SERIES_COLOURS) + 1})`;
}

export const isDashed = (index: number): boolean => index >= SERIES_COLOURS;

/** Whether there is anything to draw. */
export function hasData(chart: Chart): boolean {
  if (chart.type === 'intervals') return chart.items.length > 0;
  if (chart.type === 'histogram') return chart.values.length > 0;
  return chart.series.some(({ points }) => points.some(([, y]) => y !== null));
}

/**
 * An `<svg>` element that fills the width of its parent.
 * @param id prefix of the ids in it, unique in the page
 */
export function chartSvg(chart: Chart, id: string): string {
  const drawing = { id, height: HEIGHT, label: chartText(chart) };
  if (chart.type === 'lines') return draw(linesOption(chart), drawing);
  if (chart.type === 'histogram') return draw(histogramOption(chart), drawing);
  const height = 40 + rowHeight(chart) * chart.items.length;
  return draw(intervalsOption(chart), { ...drawing, height });
}

interface Drawing {
  readonly id: string;
  readonly height: number;
  /** What it shows, for those who hear it. */
  readonly label: string;
}

/** ECharts in one file, read with the first chart: no run waits for it at its start. */
const echarts = (): { readonly init: typeof init } => createRequire(import.meta.url)('echarts');

function draw(option: EChartsCoreOption, { id, height, label }: Drawing): string {
  const view = echarts().init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  try {
    view.setOption({ animation: false, ...option });
    return view
      .renderToSVGString()
      .replace(/<style[\s\S]*?<\/style>/g, '')
      .replace(
        / class="[^"]*"| ecmeta_\w+="[^"]*"| pointer-events="[^"]*"| xmlns:xlink="[^"]*"/g,
        '',
      )
      .replace(/\bzr\d+-/g, `${id}-`)
      .replace('<svg width=', () => `<svg role="img" aria-label="${escapeHtml(label)}" width=`)
      .replace(/\n/g, '');
  } finally {
    view.dispose();
  }
}

const TEXT = { color: 'var(--muted)', fontSize: 12 };
const RULE = { lineStyle: { color: 'var(--rule)' } };

function axis(extra: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return {
    type: 'value',
    axisLabel: { ...TEXT, hideOverlap: true, formatter: (value: number) => formatCell(value) },
    axisLine: RULE,
    axisTick: { show: false },
    splitLine: RULE,
    nameTextStyle: TEXT,
    ...extra,
  };
}

/**
 * Text of the axis of some values: as many significant digits as tell its marks apart, which are a
 * quarter of the span from each other.
 */
export function axisLabels(values: readonly number[]): (value: number) => string {
  const { low, high } = extent(values);
  const largest = Math.max(Math.abs(low), Math.abs(high));
  const digits = high > low ? Math.ceil(Math.log10(largest / (high - low))) + 2 : 0;
  if (digits <= 4) return formatCell;
  return (value) => String(Number(value.toPrecision(Math.min(digits, 15))));
}

function xAxis(name: string, extra: object = {}): Record<string, unknown> {
  const place = { nameLocation: 'middle', nameGap: 22, min: 'dataMin', max: 'dataMax' };
  return axis({ name, ...place, splitLine: { show: false }, ...extra });
}

/** Space around the plot for the axis labels, whatever their width. */
const GRID = {
  left: 8,
  right: 14,
  top: 10,
  bottom: 22,
  outerBoundsMode: 'same',
  outerBoundsContain: 'axisLabel',
};

const valuesOf = (series: LineChart['series']): number[] =>
  series.flatMap(({ points }) => points.flatMap(([, y]) => (y === null ? [] : [y])));

const isWhole = (series: LineChart['series']): boolean =>
  series.every(({ points }) => points.every(([x]) => Number.isInteger(x)));

function linesOption({ series, xName = 'step', isSmoothed = false }: LineChart): EChartsCoreOption {
  const line = (data: unknown, lineStyle: object) => ({
    type: 'line',
    silent: true,
    data,
    lineStyle,
    sampling: 'lttb',
    connectNulls: false,
  });
  return {
    grid: GRID,
    // No marks between whole steps.
    xAxis: xAxis(xName, isWhole(series) ? { minInterval: 1 } : {}),
    yAxis: axis({
      scale: true,
      splitNumber: 4,
      axisLabel: { ...TEXT, hideOverlap: true, formatter: axisLabels(valuesOf(series)) },
    }),
    series: series.flatMap(({ points }, i) => {
      const color = seriesColour(i);
      const type = isDashed(i) ? 'dashed' : 'solid';
      const showSymbol = points.length < 2;
      const dot = { showSymbol, symbolSize: 6, itemStyle: { color } };
      if (!isSmoothed || points.length <= SMOOTH_ABOVE) {
        return [{ ...line(points, { color, type, width: 1.8 }), ...dot }];
      }
      const faint = { ...line(points, { color, width: 1, opacity: 0.3 }), showSymbol: false };
      return [
        faint,
        { ...line(movingAverage(points), { color, type, width: 2.2 }), showSymbol: false },
      ];
    }),
  };
}

/** Mean over the last thirtieth of the series, gaps left out. */
function movingAverage(points: LineChart['series'][number]['points']): [number, number | null][] {
  const span = Math.max(2, Math.round(points.length / 30));
  return points.map(([x], i) => {
    const window = points.slice(Math.max(0, i - span + 1), i + 1);
    const values = window.flatMap(([, y]) => (y === null ? [] : [y]));
    return [x, mean(values)];
  });
}

function histogramOption({ values, xName }: HistogramChart): EChartsCoreOption {
  const { edges, counts } = histogram(values);
  return {
    grid: GRID,
    xAxis: {
      ...axis({ name: xName, nameLocation: 'middle', nameGap: 22, splitLine: { show: false } }),
      type: 'category',
      data: edges,
    },
    yAxis: axis({ minInterval: 1, splitNumber: 4 }),
    series: [
      {
        type: 'bar',
        silent: true,
        data: counts,
        barCategoryGap: '8%',
        itemStyle: { color: seriesColour(0) },
      },
    ],
  };
}

/** Counts in bins of one width, a whole number where the values are; an edge is a bin's low end. */
export function histogram(values: readonly number[]): { edges: number[]; counts: number[] } {
  const { low, high } = extent(values);
  const isWhole = values.every(Number.isInteger);
  const span = (high - low + (isWhole ? 1 : 0)) / BINS;
  const width = isWhole ? Math.max(1, Math.ceil(span)) : span || 1;
  const bins = Math.max(1, Math.min(BINS, Math.ceil((high - low + (isWhole ? 1 : 0)) / width)));
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const bin = Math.min(bins - 1, Math.floor((value - low) / width));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { edges: counts.map((_, i) => low + i * width), counts };
}

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
const rowHeight = (chart: IntervalChart): number =>
  Math.max(30, 14 * Math.ceil(longestLabel(chart) / (LABEL / 8)));

/** The next tenth beyond a share, 1 at most. */
const nextTenth = (share: number): number => Math.min(1, Math.ceil(share * 10 + 0.5) / 10);

function intervalsOption(chart: IntervalChart): EChartsCoreOption {
  const { items } = chart;
  const { low, high } = extent(items.flatMap((item) => [item.low, item.high]));
  return {
    // Labels are measured without the page's font, which may be a tenth wider.
    grid: { ...GRID, left: 8 + Math.min(longestLabel(chart), LABEL / 6), bottom: 4, right: 52 },
    xAxis: axis({
      min: low < 0 ? -nextTenth(-low) : 0,
      max: nextTenth(Math.max(0, high)),
      axisLabel: { ...TEXT, formatter: (value: number) => `${Math.round(100 * value)}%` },
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
