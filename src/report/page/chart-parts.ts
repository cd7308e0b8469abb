/** What charts have in common for ECharts: colours as variables of the page, axes, and the space around a plot. */
import { formatCell } from '../text-table.js';

const SERIES_COLOURS = 6;

/** CSS colour of the i-th series; they repeat after six, on dashed lines. */
export const seriesColour = (index: number): string => `var(--c${(index % SERIES_COLOURS) + 1})`;

export const isDashed = (index: number): boolean => index >= SERIES_COLOURS;

export const TEXT = { color: 'var(--muted)', fontSize: 12 };
export const RULE = { lineStyle: { color: 'var(--rule)' } };

export const labels = (formatter: (value: number) => string) => ({
  axisLabel: { ...TEXT, hideOverlap: true, formatter },
});

export function axis(extra: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return {
    type: 'value',
    ...labels(formatCell),
    axisLine: RULE,
    axisTick: { show: false },
    splitLine: RULE,
    nameTextStyle: TEXT,
    ...extra,
  };
}

/** The one below the plot. */
export const xAxis = (name: string, extra: object): Record<string, unknown> => ({
  ...axis({ name, nameLocation: 'middle', nameGap: 22, splitLine: { show: false } }),
  ...extra,
});

/** Space around the plot for the axis labels, whatever their width. */
export const GRID = {
  left: 8,
  right: 14,
  top: 10,
  bottom: 22,
  outerBoundsMode: 'same',
  outerBoundsContain: 'axisLabel',
};
