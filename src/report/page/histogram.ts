/** Counts of values in bins of one width. */
import type { EChartsCoreOption } from 'echarts/core';
import { axis, GRID, seriesColour, xAxis } from './chart-parts.js';
import { extent } from './extent.js';
import type { HistogramChart } from './report-types.js';

const BINS = 24;

export function histogramOption({ values, xName }: HistogramChart): EChartsCoreOption {
  const { edges, counts } = histogram(values);
  return {
    grid: GRID,
    xAxis: xAxis(xName, { type: 'category', data: edges }),
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
