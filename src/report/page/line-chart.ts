/** Curves over steps, faint under their moving average where the chart asks for one. */
import type { EChartsCoreOption } from 'echarts/core';
import { mean } from '../../util/numbers.js';
import { formatCell } from '../text-table.js';
import { axis, GRID, isDashed, labels, seriesColour, xAxis } from './chart-parts.js';
import { extent } from './extent.js';
import type { LineChart } from './report-types.js';

/** Series of more points get a moving average, where the chart asks for one. */
const SMOOTH_ABOVE = 60;

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

const valuesOf = (series: LineChart['series']): number[] =>
  series.flatMap(({ points }) => points.flatMap(([, y]) => (y === null ? [] : [y])));

const isWhole = (series: LineChart['series']): boolean =>
  series.every(({ points }) => points.every(([x]) => Number.isInteger(x)));

export function linesOption({
  series,
  xName = 'step',
  isSmoothed = false,
}: LineChart): EChartsCoreOption {
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
    xAxis: xAxis(xName, {
      min: 'dataMin',
      max: 'dataMax',
      ...(isWhole(series) && { minInterval: 1 }),
    }),
    yAxis: axis({ scale: true, splitNumber: 4, ...labels(axisLabels(valuesOf(series))) }),
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
