/** The dated folder of a pipeline's run: new, latest, or by name; and what references to it give. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadPipeline, runPipeline } from '../../../../src/recipes/pipeline.js';
import { GateError } from '../../../../src/util/errors.js';
import { pipelineFixture } from './fixture.js';

const YAML = `
root: FOLDER/rft_data
run_folder: latest
stages:
  - name: data
    command: data
    with: {name: factorization}
  - name: tier
    command: data
    with: {name: factorization, output_dir: "\${root}/tier0"}
  - name: job
    command: job
    with: {run: "\${stages.data.output_dir}", output: "\${run}/results/job_status.json"}
`;
const now = new Date('2026-01-31T23:59:58.7Z');

function outputs(overrides: string[], there: string[] = []): string[] {
  const made = pipelineFixture(YAML);
  for (const name of there) mkdirSync(join(made.folder, 'rft_data', name), { recursive: true });
  const { stages, root } = loadPipeline({ file: made.file, overrides, now });
  const short = (path: string | null) => String(path).replace(`${made.folder}/`, '');
  return [root, ...stages.map(({ output }) => output)].map(short);
}

describe('run_folder', () => {
  it('stamps a new folder in root, for the outputs and states that name no other', () => {
    expect(outputs(['run_folder=new'], ['run_20260101_000000'])).toEqual([
      'rft_data/run_20260131_235958',
      'rft_data/run_20260131_235958/data',
      'rft_data/tier0',
      'rft_data/run_20260131_235958/results/job_status.json',
    ]);
  });

  it('latest goes on with the newest, and makes one where there is none', () => {
    const others = ['run_20251231_235959', 'run_20260101_000000', 'run_x', 'tier0'];
    expect(outputs([], others)[0]).toBe('rft_data/run_20260101_000000');
    expect(outputs([])[0]).toBe('rft_data/run_20260131_235958');
  });

  it('takes one by name, or root itself', () => {
    expect(outputs(['run_folder=run_20200101_010101'])[1]).toBe(
      'rft_data/run_20200101_010101/data',
    );
    expect(outputs(['run_folder=null'])[1]).toBe('rft_data/data');
  });

  it('refuses another name', () => {
    expect(() => outputs(['run_folder=mine'])).toThrow(/latest, new, or a name as run_20260131/);
  });
});

describe('targets', () => {
  const yaml = `
root: FOLDER/out
stages:
  - name: check
    command: eval
    with: {model: m}
    targets: [accuracy > 0.9, accuracy >= 0.5]
  - name: after
    command: eval
    with: {model: m}
`;

  it('are reported and stop nothing', async () => {
    const made = pipelineFixture(yaml);
    const result = await runPipeline(loadPipeline({ file: made.file }), made.context, made.launch);
    expect(result.stages.map(({ status, targets }) => ({ status, targets }))).toEqual([
      {
        status: 'done',
        targets: [
          { text: 'accuracy > 0.9', values: { accuracy: 0.5 }, isMet: false },
          { text: 'accuracy >= 0.5', values: { accuracy: 0.5 }, isMet: true },
        ],
      },
      { status: 'done', targets: [] },
    ]);
    expect(made.logs).toContain('stage check: target accuracy > 0.9 missed (accuracy 0.5)');
    const table = made.logs.find((line) => line.startsWith('targets:\n'))?.split('\n') ?? [];
    expect(table[1]).toMatch(/^stage +target +measured +result *$/);
    expect(table[3]).toMatch(/^check +accuracy > 0\.9 +accuracy 0\.5 +missed *$/);
    expect(readFileSync(join(result.root, 'report.html'), 'utf8')).toContain('measured');
    const again = await runPipeline(loadPipeline({ file: made.file }), made.context, made.launch);
    expect(again.stages[0]?.targets).toEqual(result.stages[0]?.targets);
  });

  it('are missed where nothing could be graded; a gate then says so', async () => {
    const none = () => ({ result: { accuracy: null, eval_size: 3 } });
    const made = pipelineFixture(yaml, none);
    const result = await runPipeline(loadPipeline({ file: made.file }), made.context, made.launch);
    expect(result.stages[0]?.targets.map(({ isMet }) => isMet)).toEqual([false, false]);
    const turned = 'targets: [not (accuracy < 0.5), accuracy != 0.3, eval_size == 3]';
    const other = pipelineFixture(yaml.replace(/targets:.*/, turned), none);
    const loaded = loadPipeline({ file: other.file });
    const { stages } = await runPipeline(loaded, other.context, other.launch);
    expect(stages[0]?.targets.map(({ isMet }) => isMet)).toEqual([false, false, true]);
    expect(other.logs).toContain('stage check: target accuracy != 0.3 missed (accuracy not known)');
    const gated = pipelineFixture(yaml.replace(/targets:.*/, 'stop_if: accuracy < 0.3'), none);
    const run = runPipeline(loadPipeline({ file: gated.file }), gated.context, gated.launch);
    await expect(run).rejects.toThrow(
      'stage check has a gate "accuracy < 0.3", and accuracy is null: nothing was graded',
    );
    await expect(run).rejects.toBeInstanceOf(GateError);
  });

  it('are read before anything runs', () => {
    const made = pipelineFixture(yaml.replace('accuracy > 0.9', 'accuracy is good'));
    expect(() => loadPipeline({ file: made.file })).toThrow(/cannot read gate "accuracy is good"/);
  });
});
