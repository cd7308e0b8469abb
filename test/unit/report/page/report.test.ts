/** The report page: every section and chart drawn, data escaped, nothing from outside. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  compareRuns,
  comparisonText,
  completionsSection,
  endRun,
  type MetricRow,
  openRowLog,
  openRun,
  readRun,
  readRunRecord,
  type SampleRow,
  shownPrompts,
} from '../../../../src/report/index.js';
import { chartSvg } from '../../../../src/report/page/chart-svg.js';
import { chartText } from '../../../../src/report/page/chart-text.js';
import { pickExamples } from '../../../../src/report/page/examples.js';
import { histogram } from '../../../../src/report/page/histogram.js';
import { axisLabels } from '../../../../src/report/page/line-chart.js';
import { metricCharts } from '../../../../src/report/page/metric-charts.js';
import { renderReport } from '../../../../src/report/page/render-report.js';
import { runReport } from '../../../../src/report/page/run-report.js';
import { readSamples } from '../../../../src/report/rows/sample-rows.js';
import { configDifferences } from '../../../../src/report/run/config-differences.js';
import { writeJsonl } from '../../../../src/util/files.js';
import { temporaryFolder } from '../../../support/temporary.js';

const dir = temporaryFolder();

const METRICS = [
  'loss',
  'reward',
  'rewards/format/mean',
  'rewards/correctness/mean',
  'completions/mean_length',
  'entropy',
  'learning_rate',
  'my/metric',
];

function sample(i: number, reward: number | null): SampleRow {
  return {
    step: 1,
    prompt_id: `p${i}`,
    sample_index: 0,
    question: `question ${i}`,
    prompt: 'p',
    completion: `completion ${i}`,
    tokens: 10 + i,
    finish_reason: 'stop',
    reward,
    rewards: { format: 1, correctness: reward },
    statuses: { format: 'ok', correctness: reward === null ? 'error' : 'ok' },
    correct: reward === null ? null : reward > 0.5,
    logprob_mean: -0.5,
    adapter: null,
    seconds: 0.1,
  };
}

function makeRun(name: string, learningRate: number, command = 'grpo'): string {
  const path = join(dir, name);
  const own = { [`${command}_key`]: 1 };
  const values = { learning_rate: learningRate, lora: { r: 8, target_modules: ['q'] }, ...own };
  const run = openRun(path, { config: { text: `name: ${name}\n`, values }, command });
  const metrics = openRowLog<MetricRow>(run.paths.metrics);
  for (let step = 1; step <= 80; step++) {
    const row = Object.fromEntries(METRICS.map((metric, i) => [metric, i + Math.sin(step + i)]));
    metrics.append({ step, ...row, wall_time: 1.8e9 + step } as MetricRow);
  }
  metrics.close();
  const samples = openRowLog<SampleRow>(run.paths.samples);
  for (let i = 0; i < 20; i++) samples.append(sample(i, i / 20));
  samples.close();
  run.phases.add('rollout', 30);
  run.phases.add('update', 10);
  run.record({ results: { accuracy: 0.5 } });
  run.close('done');
  return path;
}

function samplesOf(rows: readonly SampleRow[]) {
  const path = join(dir, 'samples.jsonl');
  writeJsonl(path, rows);
  return readSamples(path);
}

const figures = (html: string) => html.match(/<figure>.*?<\/figure>/gs) ?? [];

describe('report of a run', () => {
  const run = readRun(makeRun('one', 1e-5));
  const html = renderReport(runReport(run));

  it('draws every metric, each chart with lines in it', () => {
    const charts = figures(html).filter((figure) => figure.includes('<svg'));
    const titles = charts.map((figure) => /<figcaption>(.*?)</.exec(figure)?.[1]);
    expect(titles).toEqual([
      'Loss',
      'Reward',
      'Reward parts',
      'Completion length, tokens',
      'Entropy',
      'Learning rate',
      'my/metric',
      'Sampled tokens of each completion',
    ]);
    const drawn = charts.map((chart) => /<path d="M[^"]{20,}"[^>]*var\(--c1\)/.test(chart));
    expect(drawn).toEqual(charts.map(() => true));
    expect(charts[2]).toMatch(/format<\/span>.*correctness<\/span>/);
    expect(charts[2]).toContain('var(--c2)');
  });

  it('shows the phases as shares of one bar', () => {
    expect(html).toContain('flex:0.7500 0 0');
    expect(html).toContain('<dt>rollout</dt><dd>30 s, 75.0%</dd>');
  });

  it('shows examples from best to worst with their grading', () => {
    const cards = html.slice(0, html.indexOf('class="browser"'));
    const rewards = [...cards.matchAll(/class="reward">reward ([\d.]+)</g)].map(([, x]) =>
      Number(x),
    );
    expect(rewards).toHaveLength(12);
    expect(rewards).toEqual(rewards.toSorted((a, b) => b - a));
    expect([rewards[0], rewards.at(-1)]).toEqual([0.95, 0]);
    expect(html).toContain('<span class="chip good">correct</span>');
    expect(html).toContain('<span class="chip bad">wrong</span>');
  });

  it('says at the top what no table says, and which alarms sounded', () => {
    const alarms = [{ step: 9, name: 'kl_high', metric: 'kl', value: 0.62, bound: 0.5 }];
    const results = { accuracy: 0.5, format_rate: 0.75, mean_reward: null, seconds: 3 };
    const record = { ...run.record, results, alarms };
    const table = { type: 'table', title: 'Evaluation', header: ['metric', 'value'] } as const;
    const rows = [
      ['accuracy', 0.5],
      ['format_rate', 0.75],
    ];
    const { sections } = runReport({ ...run, record }, [{ ...table, rows }]);
    const [facts, , alarmTable, evaluation] = sections;
    const labels = facts!.type === 'facts' ? facts!.facts.map(({ label }) => label) : [];
    expect(labels).toEqual(['Steps', 'Completions', 'Time', 'Accuracy', 'Seconds']);
    expect(facts).toMatchObject({ facts: [{}, {}, {}, { value: '50.0%' }, { value: '3' }] });
    expect(alarmTable).toMatchObject({ title: 'Alarms', rows: [['kl_high', 9, 'kl', 0.62, 0.5]] });
    expect(evaluation!.title).toBe('Evaluation');
    expect(html).not.toContain('Alarms');
  });

  it('leaves out counts of nothing, and shows the beginning of a hash', () => {
    const results = { prompt_hash: 'd627031f37'.padEnd(64, '0') };
    const record = { ...run.record, command: 'eval', stage: 'eval', results };
    const report = runReport({ ...run, record, metrics: [], samples: samplesOf([]) });
    const [facts] = report.sections;
    expect(report.title).toBe('eval');
    expect(facts!.type === 'facts' && facts!.facts).toMatchObject([
      { label: 'Time' },
      { label: 'Prompt hash', value: 'd627031f3700' },
    ]);
  });

  it('tells the marks of an axis apart, however close they are', () => {
    const label = axisLabels([0.99998, 1.00002]);
    expect([0.99998, 0.99999, 1, 1.00001].map(label)).toEqual([
      ...['0.99998', '0.99999', '1', '1.00001'],
    ]);
    expect(axisLabels([0, 12_345.6])(2_500)).toBe('2500');
    expect(axisLabels([])(0.12345)).toBe('0.1235');
  });

  it('loads nothing from outside and runs one script, which its policy names', () => {
    const text = html.replaceAll('http://www.w3.org/2000/svg', '');
    expect(text.match(/https?:|<img|url\((?!#)|@import| src=| on\w+=/g)).toBeNull();
    const scripts = [...html.matchAll(/<script>(.*?)<\/script>/gs)].map(([, script]) => script!);
    expect(scripts).toHaveLength(1);
    const hash = createHash('sha256').update(scripts[0]!).digest('base64');
    expect(html).toContain(`content="default-src 'none';script-src 'sha256-${hash}';style-src`);
    const plain = renderReport({ title: 'x', sections: [] });
    expect(plain.match(/<script|script-src/)).toBeNull();
  });

  it('has the completions of each step, by prompt, with rewards and advantages', () => {
    const rows = [1, 2].flatMap((step) =>
      [0, 1, 2, 3].map((i) => ({
        ...sample(i, i / 4),
        step,
        prompt_id: `${step}/${i >> 1}`,
        sample_index: i % 2,
        advantage: i - 1.5,
      })),
    );
    const page = renderReport(runReport({ ...run, samples: samplesOf(rows) }));
    const browser = page.slice(page.indexOf('class="browser"'));
    expect(browser.match(/<details data-group="\d"/g)).toEqual(
      ['0', '0', '1', '1'].map((group) => `<details data-group="${group}"`),
    );
    expect(browser.match(/mean reward [\d.]+/g)).toEqual(
      [0.125, 0.625, 0.125, 0.625].map((mean) => `mean reward ${mean}`),
    );
    expect(browser.match(/0 of 2 correct|1 of 2 correct/g)).toEqual([
      ...['0 of 2 correct', '1 of 2 correct', '0 of 2 correct', '1 of 2 correct'],
    ]);
    expect(browser.match(/advantage -?[\d.]+/g)).toEqual(
      [-1.5, -0.5, 0.5, 1.5, -1.5, -0.5, 0.5, 1.5].map((value) => `advantage ${value}`),
    );
    expect(browser).toContain('<option value="1">step 2</option>');
    expect(browser).toContain('<option value="wrong">wrong (6)</option>');
    expect(page).toContain('All 8; the rows are in samples.jsonl.');
  });

  it('says why a run ended, in the open', () => {
    const failed = { ...run.record, status: 'failed', error: 'step 3: <loss> is NaN' } as const;
    const page = renderReport(runReport({ ...run, record: failed }));
    expect(page).toContain('Why it ended</h2><pre>step 3: &lt;loss&gt; is NaN</pre>');
    expect(html).not.toContain('Why it ended');
  });

  it('is the same page each time, with ids that stand once in it', () => {
    expect(renderReport(runReport(run)) === html).toBe(true);
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids.length).toBeGreaterThan(10);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('leaves out sections without data', () => {
    const empty = renderReport({
      title: 'x',
      sections: [
        { type: 'facts', title: 'F', facts: [] },
        { type: 'table', title: 'T', header: ['a'], rows: [] },
        { type: 'charts', title: 'C', charts: metricCharts([]) },
        { type: 'phases', title: 'P', phases: { load: 0 } },
        { type: 'examples', title: 'E', examples: [] },
        { type: 'completions', title: 'L', prompts: [] },
        { type: 'text', title: 'X', text: '' },
      ],
    });
    expect(empty).not.toContain('<section');
  });
});

it('draws together what belongs together, under a title in words', () => {
  const names = [
    'logits/chosen',
    'logits/rejected',
    'nll_loss',
    'loss',
    'aux_loss',
    'tools/failure_frequency',
    'tools/call_frequency',
    'cispo_clip_ratio',
    'clip_ratio/low_mean',
  ];
  const rows = [1, 2].map((step) => ({
    ...Object.fromEntries(names.map((name, i) => [name, step + i])),
    ...{ step, wall_time: step },
  }));
  const charts = metricCharts(rows);
  expect(charts.map(({ title, series }) => [title, ...series.map(({ name }) => name)])).toEqual([
    ['Loss', 'nll_loss', 'loss'],
    ['Router loss of experts', 'aux_loss'],
    ['Mean logits of answers', 'chosen', 'rejected'],
    ['Blocks run by tools', 'failure_frequency', 'call_frequency'],
    ['Clipped ratios', 'cispo_clip_ratio', 'low_mean'],
  ]);
});

it('escapes everything that comes from data', () => {
  const bad = '<img src=x onerror="alert(1)">&';
  const html = renderReport({
    title: bad,
    subtitle: bad,
    sections: [
      { type: 'facts', title: bad, facts: [{ label: bad, value: bad }] },
      { type: 'table', title: bad, header: [bad], rows: [[bad]], note: bad },
      {
        type: 'charts',
        title: bad,
        charts: [
          {
            type: 'lines',
            title: bad,
            series: [
              { name: bad, points: [[1, 2]] },
              { name: 'b', points: [[1, 2]] },
            ],
          },
          {
            type: 'intervals',
            title: bad,
            items: [{ label: bad, value: 0.5, low: 0.4, high: 0.6 }],
          },
        ],
      },
      { type: 'phases', title: bad, phases: { [bad]: 1 } },
      {
        type: 'examples',
        title: bad,
        examples: [
          {
            prompt: bad,
            completion: bad,
            gold: bad,
            reward: 1,
            parts: [{ name: bad, score: 1, status: bad }],
            facts: [{ label: bad, value: bad }],
          },
        ],
      },
      {
        type: 'completions',
        title: bad,
        note: bad,
        prompts: ['a', bad].map((group) => ({
          label: bad,
          group,
          prompt: bad,
          gold: bad,
          completions: [
            {
              name: bad,
              completion: bad,
              correct: true,
              parts: [{ name: bad, score: null, status: bad }],
              facts: [{ label: bad, value: bad }],
            },
          ],
        })),
      },
      { type: 'text', title: bad, text: bad },
    ],
  });
  expect(html).not.toContain('<img');
  expect(html.match(/&lt;img/g)?.length).toBeGreaterThan(35);
});

it('shows control characters as pictures: a NUL in HTML is dropped, and hides the file from grep', () => {
  const text = 'a\0b\u001b[31mc\r\u007f\u0085\n\td';
  const html = renderReport({ title: 'r', sections: [{ type: 'text', title: 't', text }] });
  expect(html).toContain('<pre>a␀b␛[31mc␍␡\\x85\n\td</pre>');
});

it('draws intervals with a mark, a line and the value for each item', () => {
  const items = [
    { label: 'base', value: 0, low: 0, high: 0.01 },
    { label: 'coherence_trajectories_2', value: 0.625, low: 0.58, high: 0.68 },
  ];
  const html = renderReport({
    title: 'x',
    sections: [{ type: 'charts', title: 'A', charts: [{ type: 'intervals', title: 'B', items }] }],
  });
  for (const text of [
    '>base<',
    '>coherence_trajectories_2<',
    '>0.0%<',
    '>62.5%<',
    'var(--c1)',
    'var(--c2)',
  ]) {
    expect(html).toContain(text);
  }
});

it('shows the whole of a long name beside an interval, on lines that its row has room for', () => {
  const label = 'Base model of the organisation before training on everything';
  const drawn = (name: string) => {
    const items = [{ label: name, value: 0.5, low: 0.4, high: 0.6 }];
    return renderReport({
      title: 'x',
      sections: [
        { type: 'charts', title: 'A', charts: [{ type: 'intervals', title: 'B', items }] },
      ],
    });
  };
  const lines = [...drawn(label).matchAll(/<text[^>]*>([^<]*)<\/text>/g)];
  expect(lines.map(([, text]) => text!.trim()).join(' ')).toContain(label);
  const height = (name: string) => Number(/viewBox="0 0 400 (\d+)"/.exec(drawn(name))![1]);
  expect(height(label)).toBeGreaterThan(height('base'));
});

it('leaves out shares below intervals that would stand on one another beside a long name', () => {
  const shares = (label: string) => {
    const items = [{ label, value: -0.1, low: -0.24, high: 0.04 }];
    const chart = { type: 'intervals', title: 'B', items } as const;
    const html = renderReport({
      title: 'x',
      sections: [{ type: 'charts', title: 'A', charts: [chart] }],
    });
    return [...html.matchAll(/>(-?\d+%)</g)].map(([, share]) => share);
  };
  expect(shares('tuned')).toEqual(['-30%', '-20%', '-10%', '0%', '10%']);
  const long = 'val_simple_tuned_none_combined_predictions_all_runs.jsonl';
  expect(shares(long)).toEqual(['-20%', '0%', '10%']);
});

it('tells a chart in words, for those who do not see it', () => {
  const series = [
    {
      name: 'loss',
      points: [
        [1, 2.5],
        [2, null],
        [3, 3],
        [4, 0.5],
      ],
    },
    { name: 'none', points: [[1, null]] },
  ] as const;
  expect(chartText({ type: 'lines', title: 'Loss', series })).toBe(
    'Loss. loss: 2.5 at step 1 to 0.5 at step 4, lowest 0.5, highest 3. none: no values',
  );
  const values = [1, 2, 6];
  expect(chartText({ type: 'histogram', title: 'L', xName: 'tokens', values })).toBe(
    'L. 3 values from 1 to 6, mean 3',
  );
  const items = [{ label: 'b', value: -0.25, low: -0.5, high: 0 }];
  const chart = { type: 'intervals', title: 'D', items } as const;
  const said = 'D. b: -25.0%, interval -50.0% to 0.0%';
  expect(chartText(chart)).toBe(said);
  const html = renderReport({
    title: 'x',
    sections: [{ type: 'charts', title: 'A', charts: [chart] }],
  });
  expect(html).toContain(`<svg role="img" aria-label="${said}"`);
});

it('tells lines of the same colour apart', () => {
  const series = Array.from({ length: 7 }, (_, i) => ({
    name: `run ${i}`,
    points: [
      [1, i],
      [2, i + 1],
    ] as const,
  }));
  const html = renderReport({
    title: 'x',
    sections: [{ type: 'charts', title: 'A', charts: [{ type: 'lines', title: 'L', series }] }],
  });
  expect(html.match(/stroke-dasharray/g)).toHaveLength(1);
  expect(html).toContain('<span class="dashed" style="--tone:var(--c1)">run 6</span>');
});

describe('completionsSection', () => {
  const prompt = (label: string, completions: number, text = 'c') => ({
    label,
    prompt: 'p',
    completions: Array.from({ length: completions }, () => ({
      completion: text,
      correct: null,
      parts: [],
      facts: [],
    })),
  });
  const section = (units: readonly (readonly ReturnType<typeof prompt>[])[]) =>
    completionsSection({ title: 't', ...shownPrompts(units), file: 'rows.jsonl' });
  const countOf = ({ prompts }: ReturnType<typeof section>) =>
    prompts.reduce((sum, { completions }) => sum + completions.length, 0);

  it('shows 400 completions at most, spread evenly, and says how many are left out', () => {
    const many = section(Array.from({ length: 1319 }, (_, i) => [prompt(String(i), 1)]));
    expect(countOf(many)).toBe(400);
    expect([many.prompts[0]?.label, many.prompts.at(-1)?.label]).toEqual(['0', '1318']);
    expect(many.note).toBe('400 of 1319, spread evenly, 919 left out; all rows are in rows.jsonl.');
    expect(section([[prompt('a', 3)]]).note).toBe('All 3; the rows are in rows.jsonl.');
  });

  it('keeps the prompts of a step together, and takes the first of a step that is too large', () => {
    const step = (name: string, size: number) =>
      Array.from({ length: size }, (_, i) => prompt(`${name}.${i}`, 8));
    const steps = section(Array.from({ length: 100 }, (_, i) => step(String(i), 16)));
    const shown = new Set(steps.prompts.map(({ label }) => label.split('.')[0]));
    expect([...shown]).toEqual(['0', '50', '99']);
    expect(countOf(steps)).toBe(3 * 128);
    const large = section([step('a', 100), step('b', 100)]);
    expect(large.prompts.map(({ label }) => label)).toEqual(
      ['a', 'b'].flatMap((name) => Array.from({ length: 25 }, (_, i) => `${name}.${i}`)),
    );
    expect(countOf(section([[prompt('x', 500)]]))).toBe(400);
  });

  it('leaves out the middle of a long text', () => {
    const text = `${'a'.repeat(5000)}${'b'.repeat(5000)}`;
    const [shown] = section([[prompt('x', 1, text)]]).prompts;
    expect(shown?.completions[0]?.completion).toBe(
      `${'a'.repeat(4000)}\n[… 4000 characters left out …]\n${'b'.repeat(2000)}`,
    );
  });
});

describe('endRun', () => {
  const open = (name: string) =>
    openRun(join(dir, name), { config: { text: 'a: 1\n', values: { a: 1 } }, command: 'sft' });

  it('writes the page of a run that failed before its first step', () => {
    const run = open('failed');
    const lines: string[] = [];
    endRun(run, { status: 'failed', error: new Error('no memory'), log: (l) => lines.push(l) });
    const page = readFileSync(run.paths.report, 'utf8');
    expect(page).toContain('· failed ·');
    expect(page).toContain('no memory');
    expect(lines).toEqual([]);
    expect(existsSync(join(run.dir, 'run.lock'))).toBe(false);
  });

  it('says that a page could not be written, and leaves the run as it ended', () => {
    const run = open('broken');
    writeFileSync(run.paths.metrics, '{"st\n');
    const lines: string[] = [];
    endRun(run, { status: 'done', log: (line) => lines.push(line) });
    expect(lines).toEqual([
      expect.stringMatching(/report\.html could not be written: .*metrics\.jsonl:1/),
    ]);
    expect(readRunRecord(run.dir)?.status).toBe('done');
  });

  it('leaves a run that is done, and its page, as they are', () => {
    const run = open('done');
    const end = { log: () => undefined };
    endRun(run, {
      ...end,
      status: 'done',
      sections: [{ type: 'text', title: 'Answers', text: 'all right' }],
    });
    const page = readFileSync(run.paths.report, 'utf8');
    expect(page).toContain('all right');
    endRun(run, { ...end, status: 'failed', error: new Error('while closing') });
    expect(readFileSync(run.paths.report, 'utf8')).toBe(page);
    expect(readRunRecord(run.dir)).toMatchObject({ status: 'done', error: null });
  });
});

describe('metricCharts', () => {
  it('keeps a numeric failure as a gap, and drops what never changes', () => {
    const rows = [
      { step: 1, loss: 1, flat: 0 },
      { step: 2, loss: 'NaN', flat: 0 },
      { step: 3, flat: 0 },
      { step: 4, loss: 2, flat: 0 },
    ];
    const charts = metricCharts(rows);
    expect(charts.map(({ title }) => title)).toEqual(['Loss']);
    expect(charts[0]?.series[0]?.points).toEqual([
      [1, 1],
      [2, null],
      [4, 2],
    ]);
  });

  it('has the completions without a grade where there are some', () => {
    const titles = (counts: readonly number[]) =>
      metricCharts(counts.map((ungraded, i) => ({ step: i + 1, ungraded }))).map(
        ({ title }) => title,
      );
    expect(titles([0, 2, 1])).toEqual(['Completions without a grade']);
    expect(titles([0, 0, 0])).toEqual([]);
  });
});

describe('histogram', () => {
  it('has whole bins for whole numbers', () => {
    expect(histogram([3, 3, 5])).toEqual({ edges: [3, 4, 5], counts: [2, 0, 1] });
    expect(histogram([7, 7])).toEqual({ edges: [7], counts: [2] });
    const wide = histogram(Array.from({ length: 1000 }, (_, i) => i));
    expect(wide.counts.reduce((a, b) => a + b)).toBe(1000);
    expect(wide.counts).toHaveLength(24);
  });

  it('divides the range of other numbers', () => {
    const { edges, counts } = histogram([0, 0.5, 1]);
    expect(edges).toHaveLength(24);
    expect([counts[0], counts[12], counts[23]]).toEqual([1, 1, 1]);
    expect(histogram([0.5, 0.5])).toEqual({ edges: [0.5], counts: [2] });
  });
});

describe('samples of a run', () => {
  it('are kept as numbers, and read by their places', () => {
    const rows = [sample(1, 0.5), sample(2, null), sample(3, 1)];
    const { outlines, rowsAt } = samplesOf(rows);
    expect(outlines[1]).toEqual({
      ...{ step: 1, prompt_id: 'p2', tokens: 12, reward: null },
      text: expect.any(Number),
    });
    expect(new Set(outlines.map(({ text }) => text)).size).toBe(3);
    expect(rowsAt([2, 0, 2])).toEqual(
      new Map([
        [0, rows[0]],
        [2, rows[2]],
      ]),
    );
  });
});

describe('pickExamples', () => {
  it('spreads over the ranking, without repeats, ungraded last', () => {
    const rows = [...Array(9).keys()].map((i) => sample(i, i));
    expect(pickExamples(samplesOf(rows), 3).map(({ reward }) => reward)).toEqual([8, 4, 0]);
    const repeated = samplesOf([sample(1, null), sample(2, 1), sample(2, 1)]);
    expect(pickExamples(repeated, 5).map(({ reward }) => reward)).toEqual([1, null]);
  });
});

describe('compareRuns', () => {
  const comparison = compareRuns([makeRun('a', 1e-5), makeRun('b', 2e-5)]);

  it('puts results, last metrics and differing config keys side by side', () => {
    expect(comparison.results).toEqual({
      header: ['result', 'a', 'b'],
      rows: [['accuracy', 0.5, 0.5]],
    });
    expect(comparison.metrics.rows[0]).toEqual(['step', 80, 80]);
    expect(comparison.metrics.rows.map(([name]) => name)).toEqual(['step', ...METRICS]);
    expect(comparison.config.rows).toEqual([['learning_rate', 1e-5, 2e-5]]);
    expect(comparisonText(comparison)).toContain('learning_rate  1e-5  2e-5');
    expect(comparisonText(comparison)).toMatch(/^result .*\n.*\naccuracy +50\.0% +50\.0%\n/);
    const hashed = { ...comparison.results, rows: [['prompt_hash', 'ab'.repeat(32), null]] };
    expect(comparisonText({ ...comparison, results: hashed })).toContain(
      'prompt_hash  abababababab\n',
    );
  });

  it('draws shared metrics over each other', () => {
    const all = figures(renderReport(comparison.report));
    const charts = all.filter((figure) => figure.includes('<svg'));
    expect(charts).toHaveLength(METRICS.length);
    expect(all.length - charts.length, 'phases of both runs').toBe(2);
    for (const chart of charts) expect(chart).toMatch(/>a<\/span>.*>b<\/span>/);
  });

  it('shows of different commands the config keys that all have', () => {
    const { config } = compareRuns([makeRun('c', 1e-5), makeRun('d', 2e-5, 'sft')]);
    expect(config.rows).toEqual([['learning_rate', 1e-5, 2e-5]]);
  });

  it('refuses a folder without a run', () => {
    expect(() => compareRuns([dir, dir])).toThrow(/not the folder of a run/);
  });
});

describe('configDifferences', () => {
  it('goes by dotted key, lists as values, missing keys as undefined', () => {
    const a = { x: 1, lora: { r: 8, modules: ['q'] }, only: null };
    const b = { x: 1, lora: { r: 16, modules: ['q', 'v'] } };
    expect(configDifferences([a, b])).toEqual([
      { key: 'lora.r', values: [8, 16] },
      { key: 'lora.modules', values: [['q'], ['q', 'v']] },
      { key: 'only', values: [null, undefined] },
    ]);
    expect(configDifferences([a, structuredClone(a)])).toEqual([]);
  });
});

it.each([
  {
    points: [
      [1, 5],
      [2, 4],
      [3, 3],
    ] as const,
    marks: ['1', '2', '3'],
  },
  {
    points: [
      [0.5, 5],
      [1, 4],
    ] as const,
    marks: ['0.5', '0.6', '0.7', '0.8', '0.9', '1'],
  },
])('marks an axis of whole steps at whole steps: $marks', ({ points, marks }) => {
  const chart = { type: 'lines', title: 't', series: [{ name: 's', points }] } as const;
  const svg = chartSvg(chart, 'c');
  const texts = [...svg.matchAll(/<text[^>]*text-anchor="middle"[^>]*>([^<]*)</g)];
  expect(texts.map(([, text]) => text).filter((text) => text !== 'step')).toEqual(marks);
});
