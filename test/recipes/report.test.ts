/**
 * Reports in a real browser: 1,280 and 390 pixels wide, light and dark. Skips where no Chromium is
 * installed (on Debian: apt-get install chromium).
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  compareRuns,
  type MetricRow,
  openMetricLog,
  openRun,
  openSampleLog,
  readRun,
  runReport,
  sampleRow,
  writeReport,
} from '../../src/report/index.js';
import { temporaryFolder } from '../support/temporary.js';
import { type Browser, findChromium, startChromium, type View } from './chromium.js';

const chromium = findChromium();
const dir = temporaryFolder();

/** Words without a place to break, as models write them. */
const LONG_WORD = 'unbreakable'.repeat(40);

function makeRun(name: string): string {
  const path = join(dir, name);
  const config = {
    text: `model: ${LONG_WORD}\nname: ${name}\n`,
    values: { model: LONG_WORD, name },
  };
  const run = openRun(path, { config, command: 'grpo', stage: 'grpo' });
  const metrics = openMetricLog(run.paths.metrics);
  for (let step = 1; step <= 120; step++) {
    metrics.append({
      step,
      loss: Math.sin(step),
      reward: step / 120,
      'rewards/format/mean': 1 - 1 / step,
      'rewards/correctness/mean': Math.sqrt(step) / 12,
      'completions/mean_length': 40 + (step % 7),
      learning_rate: 1e-5 * (1 - step / 121),
    } as MetricRow);
  }
  metrics.close();
  const samples = openSampleLog(run.paths.samples);
  for (let i = 0; i < 30; i++) {
    const score = i % 2;
    const completion = {
      requestId: `p${i}`,
      sampleIndex: 0,
      promptIds: [1],
      ids: new Array(20 + i).fill(1),
      text: `<start_working_out>${LONG_WORD}<end_working_out><SOLUTION>${i}</SOLUTION>`,
      logprobs: Float32Array.of(-0.5),
      finishReason: 'stop',
      adapter: 'cafe0123',
      seconds: 0.5,
    };
    const grade = { total: score, parts: { correctness: { score, status: 'ok' } } };
    samples.append(sampleRow(completion, { step: 1, prompt: `prompt ${LONG_WORD}`, grade }));
  }
  samples.close();
  run.phases.add('rollout', 100);
  run.phases.add('update', 60);
  run.record({ results: { accuracy: 0.5 }, device: 'cpu' });
  run.close('done');
  return path;
}

const VIEWS: readonly View[] = [
  { width: 1280, height: 900, scheme: 'light' },
  { width: 1280, height: 900, scheme: 'dark' },
  { width: 390, height: 844, scheme: 'light' },
  { width: 390, height: 844, scheme: 'dark' },
];

/** Per chart, whether something of a series has an extent on the screen. */
const DRAWN = `[...document.querySelectorAll('figure svg')].map((svg) => [...svg.querySelectorAll('path,circle')]
  .some((mark) => /--c\\d/.test(mark.outerHTML) && mark.getBoundingClientRect().width > 0))`;

describe.skipIf(chromium === null)('reports in Chromium (needs chromium on the PATH)', () => {
  let browser: Browser;
  beforeAll(() => {
    const first = makeRun('first');
    const second = makeRun(`second-${LONG_WORD.slice(0, 60)}`);
    const evaluation = [0.1, 0.5].map((value, i) => ({
      label: ['SFT', 'GRPO'][i] ?? '',
      value,
      low: value - 0.05,
      high: value + 0.05,
    }));
    const charts = [{ type: 'intervals', title: 'Accuracy', items: evaluation } as const];
    const header = ['model', 'accuracy', 'format', 'truncated', 'tokens'];
    const report = runReport(readRun(first), [
      { type: 'charts', title: 'Accuracy', charts },
      { type: 'table', title: 'Evaluation', header, rows: [[LONG_WORD, 0.5, 1, 0, 40.25]] },
    ]);
    writeReport(join(dir, 'report.html'), report);
    writeReport(join(dir, 'compare.html'), compareRuns([first, second]).report);
    browser = startChromium(chromium ?? '');
  });
  afterAll(() => browser.close());

  for (const view of VIEWS) {
    for (const name of ['report', 'compare']) {
      it(`${name} at ${view.width} pixels, ${view.scheme}`, async () => {
        const page = await browser.open(pathToFileURL(join(dir, `${name}.html`)).href, view);
        const root = 'document.documentElement';
        const width = await page.evaluate<number>(`${root}.clientWidth`);
        expect(width).toBe(view.width);
        expect(await page.evaluate(`${root}.scrollWidth`)).toBeLessThanOrEqual(width);
        const drawn = await page.evaluate<boolean[]>(DRAWN);
        expect(drawn.length).toBeGreaterThanOrEqual(6);
        expect(drawn).toEqual(drawn.map(() => true));
        const background = 'getComputedStyle(document.body).backgroundColor';
        expect(await page.evaluate(background)).toBe(
          view.scheme === 'dark' ? 'rgb(20, 22, 26)' : 'rgb(246, 246, 244)',
        );
        expect(page.errors).toEqual([]);
        const folder = process.env.LORIKEET_SCREENSHOTS;
        if (folder !== undefined) {
          const file = join(folder, `${name}-${view.width}-${view.scheme}.png`);
          writeFileSync(file, await page.screenshot());
        }
      });
    }
  }
});
