/** The report of a pipeline: its stages, accuracies, runs, and what of it is broken or was not reached. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { summaryText, writePipelinePage } from '../../../../src/recipes/pipeline/page.js';
import type { StageReport } from '../../../../src/recipes/pipeline/report.js';
import { type MetricRow, openRowLog, openRun } from '../../../../src/report/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

const root = temporaryFolder();

function makeRun(name: string, slope: number): string {
  const dir = join(root, name);
  const run = openRun(dir, { config: { text: 'a: 1\n', values: { a: 1 } }, command: 'sft' });
  const log = openRowLog<MetricRow>(run.paths.metrics);
  for (let step = 1; step <= 5; step++) log.append({ step, loss: slope * step });
  log.close();
  run.close('done');
  return dir;
}

function stage(name: string, parts: Partial<StageReport> = {}): StageReport {
  const rest = { seconds: 30, output: null, hash: null, result: null, targets: [] } as const;
  return { name, command: 'sft', status: 'done', ...rest, ...parts };
}

function page(stages: readonly StageReport[]): string {
  const result = { file: 'demo.yaml', root, stages };
  const grid = { type: 'table', title: 'Grid', header: ['n', 'x'], rows: [[2, 0.5]] } as const;
  writePipelinePage(result, { title: 'Sweep', metrics: ['accuracy'], sections: [grid] });
  return readFileSync(join(root, 'report.html'), 'utf8');
}

const interval = { accuracy: 0.5, accuracy_low: 0.4, accuracy_high: 0.6 };

describe('the page of a pipeline', () => {
  it('has the stages, the sections of the caller, accuracies, and the curves of each run', () => {
    const html = page([
      stage('prep', { output: makeRun('prep', 1) }),
      stage('check', { command: 'eval', status: 'gated', result: interval }),
      stage('after', { status: 'waiting', seconds: 0 }),
    ]);
    expect(html).toContain('Sweep demo.yaml');
    expect(html).toMatch(/Done<\/dt><dd>1<\/dd>/);
    expect(html).toContain('<div class="scroll"><table');
    expect(html).toMatch(/Stopped at<\/dt><dd>check \(gated\)/);
    expect(html).toMatch(/Time of all stages<\/dt><dd>1 min 0 s/);
    expect(html).toContain('>Grid</h2>');
    expect(html).toMatch(/Accuracy by stage<\/figcaption><svg/);
    expect(html).toContain('prep: curves');
    expect(html).not.toContain('cannot be shown');
  });

  it('has what its stages have compared', () => {
    const pair = {
      ...{ a: 'out/base/debug', b: 'out/tuned/debug', n: 8, examples: 8, unmatched: 0 },
      ...{ share_a: 0.25, share_b: 0.5, only_a: 0, only_b: 2, p_value: 0.5 },
      ...{ difference: 0.25, difference_low: -0.125, difference_high: 0.5 },
    };
    const strategies = {
      header: ['benchmark', 'n', 'greedy', 'SC@16'],
      rows: [['math', 8, 0.125, null]],
    };
    const stages = [
      stage('base_against_tuned', {
        command: 'compare',
        result: { runs: null, strategies: null, paired: [pair], column: 'coherent_correct' },
      }),
      stage('table', { command: 'compare', result: { runs: null, strategies, paired: [] } }),
      stage('not_reached', { command: 'compare', status: 'waiting' }),
    ];
    const text = summaryText({ file: 'demo.yaml', root, stages }, []);
    expect(text).toMatch(/^base_against_tuned:\na +b +examples .*\n.*\n.* 25\.0% +50\.0% +25\.0% /);
    expect(text).toMatch(/\n\ntable:\nbenchmark .*\n.*\nmath +8 +12\.5% *\n\nstage +command /);
    expect(text).not.toContain('not_reached:');
    const html = page(stages);
    expect(html).toContain('>base_against_tuned: paired examples</h2>');
    expect(html).toMatch(/<td[^>]*>25\.0%<\/td><td[^>]*>-12\.5% – 50\.0%<\/td>/);
    expect(html).toContain('>base_against_tuned: paired differences</h2>');
    expect(html).toContain('Column coherent_correct, example by example; p is that of McNemar');
    expect(html).not.toContain('paired scores');
    expect(html).toContain('>table: accuracy</h2>');
    expect(html).toMatch(/<td[^>]*>math<\/td><td[^>]*>8<\/td><td[^>]*>12\.5%<\/td><td[^>]*><\/td>/);
    expect(html).not.toContain('not_reached: ');
  });

  it('draws many runs of one command together, and names a run that is broken', () => {
    const stages = ['a', 'b', 'c', 'd'].map((name, i) =>
      stage(name, { output: makeRun(name, i + 1) }),
    );
    const broken = makeRun('broken', 1);
    writeFileSync(join(broken, 'metrics.jsonl'), '{"step":\n');
    const html = page([...stages, stage('broken', { output: broken })]);
    expect(html).toContain('sft: 4 runs');
    expect(html).toMatch(/Loss<\/figcaption><div class="legend">(<span[^>]*>[a-d]<\/span>){4}/);
    expect(html).not.toContain('a: curves');
    expect(html).toContain('Runs that cannot be shown</h2>');
    expect(html).toMatch(/<td data-label="stage">broken<\/td>.*jsonl:1: not valid JSON/);
  });
});
