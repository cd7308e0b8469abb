/**
 * Reports in a real browser: 1,280, 700 and 390 pixels wide, light and dark. Skips where no Chromium is
 * installed (on Debian: apt-get install chromium).
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  compareRuns,
  type MetricRow,
  openRowLog,
  openRun,
  readRun,
  type SampleRow,
  type Section,
  sampleRow,
  writeReport,
} from '../../src/report/index.js';
import { runReport } from '../../src/report/page/run-report.js';
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
  const metrics = openRowLog<MetricRow>(run.paths.metrics);
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
  const samples = openRowLog<SampleRow>(run.paths.samples);
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

const HOSTILE =
  '</pre></details></script><script>window.taken=1</script><img src="x" onerror="window.taken=1">';

function hostileCompletions(): Section {
  const completion = (text: string, correct: boolean) => ({
    completion: text,
    correct,
    parts: [],
    facts: [{ label: HOSTILE, value: HOSTILE }],
  });
  return {
    type: 'completions',
    title: HOSTILE,
    prompts: ['step 1', 'step 2'].map((group) => ({
      label: HOSTILE,
      group,
      prompt: `${HOSTILE} ${group}`,
      gold: HOSTILE,
      completions: [completion(`alpha ${HOSTILE}`, true), completion('beta', false)],
    })),
  };
}

/** Sets a control of the filter, and says what is then shown. */
const shownWith = (name: string, value: string) => `(() => {
  const control = document.querySelector('.filter [name=${name}]');
  control.value = ${JSON.stringify(value)};
  control.dispatchEvent(new Event('input', { bubbles: true }));
  const shown = [...document.querySelectorAll('article')].map((one) => one.closest('[hidden]') === null);
  return [shown, document.querySelector('output').textContent];
})()`;

const VIEWS: readonly View[] = [
  { width: 1280, height: 900, scheme: 'light' },
  { width: 1280, height: 900, scheme: 'dark' },
  { width: 700, height: 900, scheme: 'light' },
  { width: 390, height: 844, scheme: 'light' },
  { width: 390, height: 844, scheme: 'dark' },
];

/** Per chart, whether something of a series has an extent on the screen. */
const DRAWN = `[...document.querySelectorAll('figure svg')].map((svg) => [...svg.querySelectorAll('path,circle')]
  .some((mark) => /--c\\d/.test(mark.outerHTML) && mark.getBoundingClientRect().width > 0))`;

/** Tables that hold a long word and are wider than their place, by their headers. */
const TOO_WIDE = `[...document.querySelectorAll('.scroll')]
  .filter((one) => one.textContent.includes('${LONG_WORD}') && one.scrollWidth > one.clientWidth)
  .map((one) => one.querySelector('thead').textContent)`;

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
      {
        type: 'table',
        title: 'Stages',
        header: [...['stage', 'command', 'status', 'seconds'], ...header, 'coherent_correct'],
        rows: [['coherence_trajectories', 'rollouts', 'done', 7.903, 'x', 0.5, 1, 0, 40.25, null]],
      },
    ]);
    writeReport(join(dir, 'report.html'), report);
    writeReport(join(dir, 'completions.html'), { title: 'x', sections: [hostileCompletions()] });
    writeReport(join(dir, 'compare.html'), compareRuns([first, second]).report);
    browser = startChromium(chromium ?? '');
  });
  afterAll(() => browser.close());

  it('filters and searches completions, and runs nothing that they hold', async () => {
    const page = await browser.open(pathToFileURL(join(dir, 'completions.html')).href, VIEWS[0]!);
    const shown = (name: string, value: string) => page.evaluate(shownWith(name, value));
    expect(await shown('grade', 'wrong')).toEqual([
      [false, true, false, true],
      '2 of 4 completions',
    ]);
    expect(await shown('group', '1')).toEqual([[false, false, false, true], '1 of 4 completions']);
    expect(await shown('grade', '')).toEqual([[false, false, true, true], '2 of 4 completions']);
    expect(await shown('group', '')).toEqual([[true, true, true, true], '4 of 4 completions']);
    expect(await shown('search', 'ALPHA')).toEqual([
      [true, false, true, false],
      '2 of 4 completions',
    ]);
    expect(await shown('search', 'step 2')).toEqual([
      [false, false, true, true],
      '2 of 4 completions',
    ]);
    expect(await page.evaluate('typeof window.taken')).toBe('undefined');
    expect(await page.evaluate('document.images.length')).toBe(0);
    expect(page.errors).toEqual([]);
  });

  for (const view of VIEWS) {
    for (const name of ['report', 'compare']) {
      it(`${name} at ${view.width} pixels, ${view.scheme}`, async () => {
        const page = await browser.open(pathToFileURL(join(dir, `${name}.html`)).href, view);
        const root = 'document.documentElement';
        const width = await page.evaluate<number>(`${root}.clientWidth`);
        expect(width).toBe(view.width);
        expect(await page.evaluate(`${root}.scrollWidth`)).toBeLessThanOrEqual(width);
        expect(await page.evaluate(TOO_WIDE)).toEqual([]);
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
