/** A report as one HTML page without outside resources; its one script filters completions. */
import { counted } from '../../util/counted.js';
import { writeFileAtomic } from '../../util/files.js';
import { sum } from '../../util/numbers.js';
import { duration, formatCell, percent } from '../text-table.js';
import { isDashed, seriesColour } from './chart-parts.js';
import { chartSvg, hasData } from './chart-svg.js';
import { element, escapeHtml } from './html.js';
import { completionsHtml, exampleHtml } from './render-completions.js';
import { REPORT_SCRIPT, SCRIPT_SOURCE } from './report-script.js';
import { REPORT_STYLE } from './report-style.js';
import type {
  Chart,
  ChartsSection,
  FactsSection,
  PhasesSection,
  Report,
  Section,
  TableSection,
  TextSection,
} from './report-types.js';

/** Tables of more columns turn into cards on a phone. */
const NARROW_COLUMNS = 3;

export function writeReport(path: string, report: Report): void {
  writeFileAtomic(path, renderReport(report));
}

export function renderReport(report: Report): string {
  const isLong = ({ type }: Section) => Number(type === 'completions');
  const sections = report.sections.filter(isFilled).sort((a, b) => isLong(a) - isLong(b));
  const links = sections.map(({ title }, i) => `<a href="#s${i}">${escapeHtml(title)}</a>`);
  const subtitle =
    report.subtitle === undefined ? '' : element('p', 'subtitle', escapeHtml(report.subtitle));
  const body = sections.map(
    (section, i) =>
      `<section id="s${i}">${heading(section)}${sectionHtml(section, `s${i}`)}</section>`,
  );
  const hasFilter = sections.some(({ type }) => type === 'completions');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';${hasFilter ? `script-src ${SCRIPT_SOURCE};` : ''}style-src 'unsafe-inline';img-src data:">
<link rel="icon" href="data:,">
<title>${escapeHtml(report.title)}</title>
<style>${REPORT_STYLE}</style></head>
<body><main><h1>${escapeHtml(report.title)}</h1>${subtitle}<nav aria-label="Sections">${links.join('')}</nav>
${body.join('\n')}
</main>${hasFilter ? `<script>${REPORT_SCRIPT}</script>` : ''}</body></html>
`;
}

function isFilled(section: Section): boolean {
  switch (section.type) {
    case 'facts':
      return section.facts.length > 0;
    case 'table':
      return section.rows.length > 0;
    case 'charts':
      return section.charts.some(hasData);
    case 'phases':
      return Object.values(section.phases).some((seconds) => seconds > 0);
    case 'examples':
      return section.examples.length > 0;
    case 'completions':
      return section.prompts.length > 0;
    case 'text':
      return section.text !== '';
  }
}

function heading({ title, note = '' }: Section): string {
  const head = element('h2', '', escapeHtml(title));
  return note === '' ? head : head + element('p', 'note', escapeHtml(note));
}

function sectionHtml(section: Section, id: string): string {
  switch (section.type) {
    case 'facts':
      return factsHtml(section);
    case 'table':
      return tableHtml(section);
    case 'charts':
      return chartsHtml(section, id);
    case 'phases':
      return phasesHtml(section);
    case 'examples':
      return element('div', 'examples', section.examples.map(exampleHtml).join(''));
    case 'completions':
      return completionsHtml(section);
    case 'text':
      return textHtml(section);
  }
}

function textHtml({ text, isOpen = false }: TextSection): string {
  const body = element('pre', '', escapeHtml(text));
  return isOpen ? body : `<details><summary>Show</summary>${body}</details>`;
}

function factsHtml({ facts }: FactsSection): string {
  const items = facts.map(
    ({ label, value }) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`,
  );
  return element('dl', 'facts', items.join(''));
}

function tableHtml(section: TableSection): string {
  const table = tableBody(section);
  if (section.isFolded !== true) return table;
  return `<details class="fold"><summary>Show ${counted(section.rows.length, 'row')}</summary>${table}</details>`;
}

function tableBody({ header, rows }: TableSection): string {
  const isNumber = header.map((_, i) => {
    const cells = rows.map((row) => row[i]).filter((cell) => cell !== null && cell !== undefined);
    return cells.length > 0 && cells.every((cell) => typeof cell === 'number');
  });
  const classOf = (i: number) => (isNumber[i] ? ' class="number"' : '');
  const head = header
    .map((name, i) => `<th scope="col"${classOf(i)}>${breakable(escapeHtml(name))}</th>`)
    .join('');
  const body = rows.map((row) => {
    const cells = header.map((name, i) => {
      const text = breakable(escapeHtml(formatCell(row[i])));
      return `<td${classOf(i)} data-label="${escapeHtml(name)}">${text}</td>`;
    });
    return element('tr', '', cells.join(''));
  });
  const wide = header.length > NARROW_COLUMNS ? 'wide' : '';
  const parts = `<thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody>`;
  return element('div', 'scroll', element('table', wide, parts));
}

/** Lets a narrow column break metric and config names at their joints. */
const breakable = (html: string): string => html.replace(/(?<=\w)[/_.](?=[a-z])/gi, '$&<wbr>');

function chartsHtml({ charts }: ChartsSection, id: string): string {
  const figures = charts.filter(hasData).map((chart, i) => chartHtml(chart, `${id}-${i}`));
  return element('div', 'charts', figures.join(''));
}

function chartHtml(chart: Chart, id: string): string {
  const caption = element('figcaption', '', escapeHtml(chart.title));
  return `<figure>${caption}${legendHtml(chart)}${chartSvg(chart, id)}</figure>`;
}

function legendHtml(chart: Chart): string {
  if (chart.type !== 'lines' || chart.series.length < 2) return '';
  const names = chart.series.map(
    ({ name }, i) =>
      `<span${isDashed(i) ? ' class="dashed"' : ''} style="--tone:${seriesColour(i)}">${escapeHtml(name)}</span>`,
  );
  return element('div', 'legend', names.join(''));
}

function phasesHtml({ phases }: PhasesSection): string {
  const items = Object.entries(phases).filter(([, seconds]) => seconds > 0);
  const total = sum(items.map(([, seconds]) => seconds));
  const bar = items.map(
    ([, seconds], i) =>
      `<div style="--tone:${seriesColour(i)};flex:${(seconds / total).toFixed(4)} 0 0"></div>`,
  );
  const list = items.map(([name, seconds], i) => {
    const text = `${duration(seconds)}, ${percent(seconds / total)}`;
    return `<div style="--tone:${seriesColour(i)}"><dt>${escapeHtml(name)}</dt><dd>${text}</dd></div>`;
  });
  const picture = element('div', 'phase-bar', bar.join(''));
  return `<figure>${picture}${element('dl', 'phase-list', list.join(''))}</figure>`;
}
