/** Sweeps: the grid, the folders, shared stages, the table. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gridPoints } from '../../../src/recipes/pipeline/grid.js';
import { loadPipeline } from '../../../src/recipes/pipeline.js';
import { loadSweep, runSweep } from '../../../src/recipes/sweep.js';
import { InputError } from '../../../src/util/errors.js';
import { refusalOf } from '../../support/failures.js';
import { type Fixture, pipelineFixture } from './pipeline/fixture.js';

const YAML = `
root: FOLDER/out
metrics: [accuracy]
grid: {n: [2, 4]}
shared:
  - name: prep
    command: sft
    with: {model: m, dataset: gsm8k}
stages:
  - name: sft
    command: sft
    with:
      model: \${stages.prep.output_dir}
      dataset: {name: gsm8k, num_samples: "\${grid.n}"}
  - name: eval
    command: eval
    with: {model: "\${stages.sft.output_dir}"}
    stop_if: accuracy < stages.prep.accuracy
`;

const load = (made: Fixture, overrides: string[] = []) =>
  loadSweep({ file: made.file, overrides, env: {} });

describe('gridPoints', () => {
  it('are all combinations, the last key fastest', () => {
    expect(gridPoints({ a: [1, 2], b: ['x', 'y'] })).toEqual([
      { a: 1, b: 'x' },
      { a: 1, b: 'y' },
      { a: 2, b: 'x' },
      { a: 2, b: 'y' },
    ]);
  });
});

describe('a sweep', () => {
  it('takes no reference on the command line', () => {
    const word = `stages.sft.dataset.num_samples=\${grid.n}`;
    expect(refusalOf(InputError, () => load(pipelineFixture(YAML), [word]))).toBe(
      `command line: ${word}: references such as \${grid.n} are read in files alone. Write the value`,
    );
  });

  it('runs the shared stages once and the others for each point', () => {
    const made = pipelineFixture(YAML);
    const out = join(made.folder, 'out');
    const { stages } = load(made);
    expect(stages.map(({ output }) => output)).toEqual([
      `${out}/prep`,
      `${out}/2/sft`,
      `${out}/2/eval`,
      `${out}/4/sft`,
      `${out}/4/eval`,
    ]);
    expect(stages.map(({ config }) => config.model)).toEqual([
      'm',
      `${out}/prep`,
      `${out}/2/sft`,
      `${out}/prep`,
      `${out}/4/sft`,
    ]);
    expect(stages[3]?.config.dataset).toMatchObject({ num_samples: 4 });
    expect(stages[4]?.upstream).toEqual(['4/sft']);
  });

  it('writes one row a point', async () => {
    const yaml = YAML.replace(/\n.*stop_if.*/, '');
    const made = pipelineFixture(yaml, ({ command, config }) => ({
      result: {
        accuracy:
          command === 'eval' ? Number((config.model as string).split('/').at(-2)) / 8 : 0.125,
      },
    }));
    const part = join(made.folder, 'out/sweep.csv.99999999.0a1b2c3d.part');
    mkdirSync(join(made.folder, 'out'));
    writeFileSync(part, 'n,');
    const result = await runSweep(load(made), made.context, made.launch);
    expect(existsSync(part)).toBe(false);
    const csv = readFileSync(join(made.folder, 'out/sweep.csv'), 'utf8');
    expect(csv).toBe('n,sft.accuracy,eval.accuracy\n2,0.125,0.25\n4,0.125,0.5\n');
    expect(result.rows[1]).toEqual({ n: 4, 'sft.accuracy': 0.125, 'eval.accuracy': 0.5 });
    expect(made.launched.length).toBe(5);
    await runSweep(load(made), made.context, made.launch);
    expect(made.launched.length).toBe(5);
  });

  it('gives a point its own numbers where the folder of another lies below its own', async () => {
    const yaml = YAML.replace('n: [2, 4]', 'n: [a, a/b]').replace(/, num_samples: "[^"]*"/, '');
    const made = pipelineFixture(yaml);
    const { rows } = await runSweep(load(made), made.context, made.launch);
    const numbers = { 'sft.accuracy': 0.5, 'eval.accuracy': 0.5 };
    expect(rows).toEqual([
      { n: 'a', ...numbers },
      { n: 'a/b', ...numbers },
    ]);
  });

  it('has the interval of a metric beside it, and the examples that it is over', async () => {
    const yaml = YAML.replace(/\n.*stop_if.*/, '');
    const evaluated = { accuracy: 0.5, accuracy_low: 0.25, accuracy_high: 0.75, eval_size: 8 };
    const made = pipelineFixture(yaml, ({ command }) => ({
      result: command === 'eval' ? evaluated : {},
    }));
    const { table } = await runSweep(load(made), made.context, made.launch);
    const [header, row] = readFileSync(table, 'utf8').split('\n');
    expect(header).toBe('n,eval.accuracy,eval.accuracy_low,eval.accuracy_high,eval.eval_size');
    expect(row).toBe('2,0.5,0.25,0.75,8');
    const [stages, grid] = made.logs.slice(-2).map((text) => text.split('\n'));
    expect(stages?.[0]).toMatch(/seconds +accuracy +eval_size$/);
    expect(stages?.at(-1)).toMatch(/ 50\.0% \(25\.0% – 75\.0%\) +8$/);
    expect(grid?.[0]).toBe('');
    expect(grid?.[3]).toMatch(/^2 +50\.0% \(25\.0% – 75\.0%\) +8$/);
  });

  it('leaves out what no point has', async () => {
    const yaml = YAML.replace(/\n.*stop_if.*/, '');
    const made = pipelineFixture(yaml, ({ command, config }) => ({
      result:
        command !== 'eval' ? {} : String(config.model).includes('/4/') ? { accuracy: 0.5 } : {},
    }));
    const { rows, table } = await runSweep(load(made), made.context, made.launch);
    expect(readFileSync(table, 'utf8')).toBe('n,eval.accuracy\n2,\n4,0.5\n');
    expect(rows).toEqual([
      { n: 2, 'eval.accuracy': null },
      { n: 4, 'eval.accuracy': 0.5 },
    ]);
  });

  it('writes the rows that there are when a stage fails', async () => {
    const made = pipelineFixture(YAML, ({ config }) =>
      String(config.model).includes('/4/')
        ? { exitCode: 1, result: null }
        : { result: { accuracy: 0.5 } },
    );
    await expect(runSweep(load(made), made.context, made.launch)).rejects.toThrow('4/eval');
    const csv = readFileSync(join(made.folder, 'out/sweep.csv'), 'utf8');
    expect(csv).toBe('n,sft.accuracy,eval.accuracy\n2,0.5,0.5\n4,0.5,\n');
  });

  it.each([
    ['[2, 4, 2]', /two combinations of grid have the folder 2\. Give values that make different/],
    ['[../models/a]', /the values of grid .*\.\.\/models\/a is outside of root\. Give/],
  ])('refuses n=%s, where it is given', (values, message) => {
    const refused = (yaml: string, ...words: string[]) => {
      const made = pipelineFixture(yaml);
      return refusalOf(InputError, () => load(made, words)).replace(made.file, 'FILE');
    };
    const [given, written] = [
      refused(YAML, `grid.n=${values}`),
      refused(YAML.replace('[2, 4]', values)),
    ];
    expect(given).toMatch(message);
    expect(given).toMatch(/^command line: /);
    expect(written).toMatch(message);
    expect(written).toMatch(/^FILE:4: /);
  });

  it('takes its grid and its stages from the command line', () => {
    const made = pipelineFixture(YAML);
    const { stages } = load(made, ['grid.n=[8]', 'stages.sft.max_steps=3', 'root=/elsewhere']);
    expect(stages.map(({ id }) => id)).toEqual(['prep', '8/sft', '8/eval']);
    expect(stages[1]?.config).toMatchObject({ max_steps: 3, output_dir: '/elsewhere/8/sft' });
    expect(stages[0]?.config.max_steps).toBeNull();
    expect(() => load(made, ['grid.size=[8]'])).toThrow(/ has no grid\.size\. Known are n$/);
  });

  it('and a pipeline are told apart', () => {
    const made = pipelineFixture(YAML);
    expect(() => loadPipeline({ file: made.file })).toThrow(
      `${made.file}: it has grid, so it is the file of a sweep. Give it to lorikeet sweep`,
    );
    const pipeline = pipelineFixture('root: r\nstages: [{name: a, command: doctor}]\n');
    expect(() => load(pipeline)).toThrow(
      `${pipeline.file}: it has no grid of values to run its stages for. Give it to lorikeet run ${pipeline.file}, or a grid`,
    );
  });

  it('tests the gates of each point against the shared stages', async () => {
    const made = pipelineFixture(YAML, ({ command }) => ({
      result: { accuracy: command === 'eval' ? 0.1 : 0.2 },
    }));
    await expect(runSweep(load(made), made.context, made.launch)).rejects.toThrow(
      'stage 2/eval met its gate "accuracy < stages.prep.accuracy"',
    );
  });
});
