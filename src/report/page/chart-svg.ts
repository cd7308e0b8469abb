/**
 * Charts as SVG text, drawn by ECharts without a browser. Colours are CSS variables of the page, so one
 * picture serves light and dark.
 */
import { createRequire } from 'node:module';
import type { EChartsCoreOption, init } from 'echarts/core';
import { chartText } from './chart-text.js';
import { histogramOption } from './histogram.js';
import { escapeHtml } from './html.js';
import { intervalsOption, rowHeight } from './interval-chart.js';
import { linesOption } from './line-chart.js';
import type { Chart } from './report-types.js';

/** Drawn at this width in pixels; the page scales it. */
const WIDTH = 400;
const HEIGHT = 210;

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
