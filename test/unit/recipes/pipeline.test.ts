/** Pipelines: references, order, skipping, redoing, resuming, gates, interruption, errors. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadPipeline, planPipeline, runPipeline } from '../../../src/recipes/pipeline.js';
import {
  GateError,
  InputError,
  InterruptError,
  messageOf,
  RunError,
} from '../../../src/util/errors.js';
import { refusalOf, rejectionOf } from '../../support/failures.js';
import { type Fixture, type Launched, type Outcomes, pipelineFixture } from './pipeline/fixture.js';

const YAML = `
root: FOLDER/out
vars:
  rows: FOLDER/rows.jsonl
  steps: \${env:STEPS:-3}
stages:
  - name: model
    command: init-model
    with: {seed: 1}
  - name: prep
    command: sft
    config: prep.yaml
    with:
      model: \${stages.model.output}
      max_steps: \${vars.steps}
  - name: final
    command: grpo
    config: {model: "\${stages.prep.output_dir}", dataset: "\${vars.rows}"}
  - name: check
    command: eval
    with: {model: "\${stages.final.output_dir}"}
`;
const PREP = `model: unused\ndataset: \${env:ROWS:-FOLDER/rows.jsonl}\noutput_dir: elsewhere\n`;

function fixture(yaml = YAML, outcomes: Outcomes = () => ({})): Fixture {
  const made = pipelineFixture(yaml, outcomes);
  made.write('prep.yaml', PREP.replaceAll('FOLDER', made.folder));
  made.write('rows.jsonl', '{"question":"a"}\n');
  return made;
}

async function run(made: Fixture, overrides: string[] = [], env: Record<string, string> = {}) {
  made.launched.splice(0);
  const pipeline = loadPipeline({ file: made.file, overrides, env });
  return runPipeline(pipeline, made.context, made.launch);
}

const statuses = (result: { stages: readonly { name: string; status: string }[] }) =>
  result.stages.map(({ name, status }) => `${name} ${status}`);

const failureOf = (work: Promise<unknown>) => rejectionOf(Error, work);

describe('stages', () => {
  it('get their configs from file, with, references and the command line', async () => {
    const made = fixture();
    const out = join(made.folder, 'out');
    await run(made, ['stages.prep.lora.r=4', 'vars.steps=7']);
    expect(made.launched.map(({ command }) => command)).toEqual([
      'init-model',
      'sft',
      'grpo',
      'eval',
    ]);
    const [model, prep, final, check] = made.launched.map(({ config }) => config);
    expect(model).toMatchObject({ output: `${out}/model`, seed: 1 });
    expect(prep).toMatchObject({
      model: `${out}/model`,
      output_dir: `${out}/prep`,
      max_steps: 7,
      lora: { r: 4 },
      dataset: { path: join(made.folder, 'rows.jsonl') },
    });
    expect(final).toMatchObject({ model: `${out}/prep`, output_dir: `${out}/final` });
    expect(check).toMatchObject({ model: `${out}/final`, output_dir: `${out}/check` });
  });

  it('read the environment where the file does', async () => {
    const made = fixture();
    await run(made, [], { STEPS: '9', ROWS: 'openai/gsm8k' });
    expect(made.launched[1]?.config).toMatchObject({
      max_steps: 9,
      dataset: { name: 'openai/gsm8k', path: null },
    });
  });

  it('begin paths from vars at the home folder by their own keys', () => {
    const { file } = fixture();
    const { stages } = loadPipeline({ file, overrides: ['vars.rows=~/rows.jsonl'] });
    const path = join(homedir(), 'rows.jsonl');
    expect(stages[2]?.config).toMatchObject({ dataset: { path, name: null } });
  });

  it.each([
    [`vars.rows=\${root}/rows.jsonl`, `\${root}`],
    [`stages.final.model=\${stages.prep.output_dir}`, `\${stages.prep.output_dir}`],
    [`root=\${vars.rows`, `\${vars.rows`],
    [`vars.rows=a/\${run:-b}`, `\${run:-b}`],
    [`vars.steps=\${grid.n}`, `\${grid.n}`],
  ])('take no reference on the command line, as %s', (word, reference) => {
    const { file } = fixture();
    expect(refusalOf(InputError, () => loadPipeline({ file, overrides: [word] }))).toBe(
      `command line: ${word}: references such as ${reference} are read in files alone. Write the value`,
    );
  });

  it('take other texts in braces', () => {
    const { file } = fixture();
    const prompt = `\${rooted} \${run.x} {vars.rows}`;
    const overrides = [`stages.final.system_prompt=${prompt}`];
    expect(loadPipeline({ file, overrides }).stages[2]?.config.system_prompt).toBe(prompt);
  });

  it('leave their result, a summary table and pipeline.json', async () => {
    const made = fixture(YAML, ({ command }) =>
      command === 'eval' ? { result: { accuracy: 0.75, seconds: 9 } } : { result: null },
    );
    const result = await run(made);
    expect(statuses(result)).toEqual(['model done', 'prep done', 'final done', 'check done']);
    expect(result.stages[3]?.result).toEqual({ accuracy: 0.75, seconds: 9 });
    expect(JSON.parse(readFileSync(join(made.folder, 'out/pipeline.json'), 'utf8'))).toEqual(
      result,
    );
    expect(made.logs.at(-1)).toMatch(/^stage +command +status +seconds +accuracy\n/);
    expect(made.logs.at(-1)).toMatch(/check +eval +done +[\d.]+ +75\.0%$/);
  });
});

it('what a killed pipeline was writing goes, and nothing of others', async () => {
  const made = fixture();
  mkdirSync(join(made.folder, 'out/stages'), { recursive: true });
  const left = ['stages/prep.json', 'stages/prep.yaml', 'pipeline.json', 'mine.json'].map((name) =>
    join(made.folder, 'out', `${name}.99999999.0a1b2c3d.part`),
  );
  for (const path of left) writeFileSync(path, '{');
  await run(made);
  expect(left.map((path) => existsSync(path))).toEqual([false, false, false, true]);
});

it('a stage that is made when needed is left out where nothing that runs reads it', async () => {
  const yaml = YAML.replace('command: init-model', 'command: init-model\n    when_needed: true')
    .replace('  rows:', `  model: \${root}/model\n  rows:`)
    .replace(`\${stages.model.output}`, `\${vars.model}`);
  const made = fixture(yaml);
  const names = (...overrides: string[]) => {
    const notes: string[] = [];
    const note = (line: string) => void notes.push(line);
    const { stages } = loadPipeline({ file: made.file, overrides, note });
    return [stages.map(({ id }) => id).join(), ...notes];
  };
  expect(names()).toEqual(['model,prep,final,check']);
  const without = 'stage model: left out, no stage needs it';
  expect(names('vars.model=org/name')).toEqual(['prep,final,check', without]);
  expect(names('stages.prep.model=org/name')).toEqual(['prep,final,check', without]);
  expect(names('stage=model', 'vars.model=org/name')).toEqual(['model']);
  const result = await run(made, ['vars.model=org/name']);
  expect(statuses(result)).toEqual(['prep done', 'final done', 'check done']);
});

describe('what is made when needed', () => {
  const COMPARED = `
root: FOLDER/out
stages:
  - name: before
    command: eval
    part: checks
    when_needed: true
    with: {model: org/base, benchmark: FOLDER/rows.jsonl}
  - name: after
    command: eval
    part: checks
    with: {model: org/name, benchmark: FOLDER/rows.jsonl}
`;
  const planned = (yaml: string, ...overrides: string[]) => {
    const notes: string[] = [];
    const note = (line: string) => void notes.push(line);
    const { stages } = loadPipeline({ file: fixture(yaml).file, overrides, note });
    return [stages.map(({ id }) => id).join(), ...notes];
  };

  it('is what a gate or a target that runs compares with', async () => {
    const gated = `${COMPARED}    stop_if: accuracy < 0.1 and accuracy < stages.before.accuracy\n`;
    const aimed = `${COMPARED}    targets: [accuracy >= stages.before.accuracy]\n`;
    for (const yaml of [gated, aimed]) {
      expect(planned(yaml)).toEqual(['before,after']);
      expect(statuses(await run(fixture(yaml)))).toEqual(['before done', 'after done']);
    }
    const own = `${COMPARED}    stop_if: stages.after.accuracy < 0.1\n`;
    expect(statuses(await run(fixture(own)))).toEqual(['after done']);
    expect(() => planned(gated.replace('stages.before', 'stages.befor'))).toThrow(
      /pipeline\.yaml:13: there is no earlier stage "befor"/,
    );
  });

  it('is left out of a part too, which a line says', () => {
    const without = 'stage before: left out, no stage needs it';
    expect(planned(COMPARED, 'stage=checks')).toEqual(['after', without]);
    expect(planned(COMPARED, 'stage=after')).toEqual(['after']);
    expect(planned(COMPARED, 'stage=before')).toEqual(['before']);
  });

  it('is refused by a name that is no part and no stage, those that are each named once', () => {
    const named = COMPARED.replace('part: checks', 'part: before');
    expect(() => planned(named, 'stage=ppo')).toThrow(
      'stage=ppo: there is no such part or stage. Give full, before, checks, after',
    );
  });

  it('is refused where nothing else is left', () => {
    const none = COMPARED.slice(0, COMPARED.indexOf('  - name: after'));
    for (const words of [[], ['stage=checks']]) {
      expect(() => planned(none, ...words)).toThrow(
        'every stage is made when needed, and none needs one. Leave when_needed out where',
      );
    }
    expect(planned(none, 'stage=before')).toEqual(['before']);
  });
});

describe('flags of training scripts', () => {
  const PARTS = YAML.replace('vars:', 'vars:\n  model: base').replace(
    'command: grpo\n    config: {',
    'command: grpo\n    part: rl\n    config: {rewards: [{name: format}], ',
  );
  const planned = (...overrides: string[]) => {
    const notes: string[] = [];
    const note = (line: string) => void notes.push(line);
    const { file } = fixture(PARTS);
    const pipeline = loadPipeline({ file, overrides, note });
    return { pipeline, notes, names: pipeline.stages.map(({ id }) => id) };
  };

  it('are read at the places of the file, which a line says', () => {
    const { pipeline, notes, names } = planned('base_model=x/y', 'output_dir=elsewhere');
    expect(pipeline.root).toBe('elsewhere');
    expect(names).toEqual(['model', 'prep', 'final', 'check']);
    expect(notes).toEqual([
      'command line: base_model=x/y is read as vars.model=x/y',
      'command line: output_dir=elsewhere is read as root=elsewhere',
    ]);
  });

  it('are the variables of the file by their own names', () => {
    const { pipeline, notes } = planned('steps=7');
    expect(pipeline.stages[1]?.config).toMatchObject({ max_steps: 7 });
    expect(notes).toEqual(['command line: steps=7 is read as vars.steps=7']);
  });

  it('give the picked stage its base and its keys, and what it then needs is nothing', () => {
    const words = ['base_model=x/y', 'max_samples=100', 'save_samples=true', 'save_steps=50'];
    const { pipeline, names, notes } = planned('stage=rl', ...words);
    expect(names).toEqual(['final']);
    expect(pipeline.stages[0]?.upstream).toEqual([]);
    expect(pipeline.stages[0]?.config).toMatchObject({
      model: 'x/y',
      dataset: { num_samples: 100 },
      save_samples: true,
      save_steps: 50,
    });
    expect(notes).toContain(
      'command line: max_samples=100 is read as stages.final.max_samples=100',
    );
    expect(planned('stage=rl').names).toEqual(['model', 'prep', 'final']);
  });

  it('are refused where there is no place for them', async () => {
    const refused = (...overrides: string[]) => failureOf((async () => planned(...overrides))());
    expect(messageOf(await refused('stage=rl', 'mini_batch_size=4'))).toMatch(
      /mini_batch_size: Use per_device_train_batch_size/,
    );
    expect(messageOf(await refused('max_samples=4'))).toMatch(/unknown key "max_samples"/);
    expect(messageOf(await refused('vars.step=7'))).toMatch(
      /^command line: .* has no vars\.step\. The nearest is vars\.steps$/,
    );
    const { file } = fixture();
    expect(() => loadPipeline({ file, overrides: ['base_model=x'] })).toThrow(
      /base_model: .* has no vars.model. Use stages.NAME.model=…/,
    );
  });
});

describe('a second run', () => {
  it('skips what is done', async () => {
    const made = fixture();
    const first = await run(made);
    const second = await run(made);
    expect(made.launched).toEqual([]);
    expect(statuses(second)).toEqual([
      'model skipped',
      'prep skipped',
      'final skipped',
      'check skipped',
    ]);
    expect(second.stages.map(({ result }) => result)).toEqual(
      first.stages.map(({ result }) => result),
    );
  });

  it('names the file of a state that is broken, and what to do', async () => {
    const made = fixture();
    await run(made);
    const state = made.write('out/stages/prep.json', '{"hash": "h", "status": "done"}');
    expect((await failureOf(run(made))).message).toBe(
      `${state}: field "seconds" is missing, and should be of type number. ` +
        'Delete it and what the stage has written, and the stage runs again',
    );
    expect(made.launched).toEqual([]);
  });

  it('makes a changed stage again, with what depends on it and nothing else', async () => {
    const made = fixture();
    await run(made);
    const again = await run(made, ['stages.final.seed=5']);
    expect(statuses(again)).toEqual(['model skipped', 'prep skipped', 'final done', 'check done']);
    expect(made.launched.map(({ config }) => config.overwrite)).toEqual([true, true]);
    expect((await run(made, ['stages.final.seed=5'])).stages[2]?.status).toBe('skipped');
  });

  it('makes stages again when an input file changed', async () => {
    const made = fixture();
    await run(made);
    made.write('rows.jsonl', '{"question":"b"}\n');
    expect(statuses(await run(made))).toEqual([
      'model skipped',
      'prep done',
      'final done',
      'check done',
    ]);
  });

  it('makes a stage again when its output is gone', async () => {
    const made = fixture();
    await run(made);
    rmSync(join(made.folder, 'out/check'));
    const result = await run(made);
    expect(statuses(result).slice(2)).toEqual(['final skipped', 'check done']);
    expect(made.launched[0]?.config.overwrite).toBe(true);
  });

  it('does not mind how an earlier output is to be treated', async () => {
    const made = fixture();
    await run(made);
    await run(made, ['stages.prep.resume=auto', 'stages.prep.overwrite=true']);
    expect(made.launched).toEqual([]);
  });
});

describe('a stage that fails', () => {
  it.each([
    [1, RunError, 1],
    [2, InputError, 2],
    [3, RunError, 1],
    [137, RunError, 1],
  ])('with exit code %i stops the pipeline', async (exitCode, kind, own) => {
    const made = fixture(YAML, ({ command }) => (command === 'grpo' ? { exitCode } : {}));
    const error = await failureOf(run(made));
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ exitCode: own });
    expect(messageOf(error)).toBe(
      `${made.file}:16: stage final (grpo) failed with exit code ${exitCode}. ` +
        'Its error stands above; finished stages are kept',
    );
    const summary = JSON.parse(readFileSync(join(made.folder, 'out/pipeline.json'), 'utf8'));
    expect(statuses(summary)).toEqual(['model done', 'prep done', 'final failed', 'check waiting']);
  });

  it.each([
    ['SIGKILL', ', as the system does where memory runs out'],
    ['SIGSEGV', ''],
  ])('by %s left no error, which is said', async (killedBy, why) => {
    const killed = { exitCode: 1, killedBy };
    const made = fixture(YAML, ({ command }) => (command === 'grpo' ? killed : {}));
    const error = await failureOf(run(made));
    expect(error).toBeInstanceOf(RunError);
    expect(messageOf(error)).toBe(
      `${made.file}:16: stage final (grpo) was killed by ${killedBy}${why}. ` +
        'Run the same command again to go on; finished stages are kept',
    );
  });

  /** A pipeline whose stage `final` has failed within its folder; `mend` lets it succeed. */
  async function withFailedStage() {
    let exitCode = 1;
    const made: Fixture = fixture(YAML, ({ command }) => {
      if (command !== 'grpo') return {};
      made.write('out/final/run.json', '{}');
      return { exitCode };
    });
    await failureOf(run(made));
    const mend = () => {
      exitCode = 0;
    };
    return { made, mend };
  }

  it('is taken up again where it stands', async () => {
    const { made, mend } = await withFailedStage();
    mend();
    const result = await run(made);
    expect(statuses(result)).toEqual(['model skipped', 'prep skipped', 'final done', 'check done']);
    expect(made.launched[0]?.config).toMatchObject({ resume: 'auto', overwrite: false });
  });

  it('took the seconds of all its sessions', async () => {
    const { made, mend } = await withFailedStage();
    const file = join(made.folder, 'out/stages/final.json');
    const failed = JSON.parse(readFileSync(file, 'utf8'));
    made.write('out/stages/final.json', JSON.stringify({ ...failed, seconds: 1000 }));
    await failureOf(run(made));
    expect(JSON.parse(readFileSync(file, 'utf8')).seconds).toBeGreaterThanOrEqual(1000);
    mend();
    const { seconds } = (await run(made)).stages[2]!;
    expect(seconds).toBeGreaterThanOrEqual(1000);
    expect(seconds).toBeLessThan(1100);
    const again = (await run(made, ['stages.final.seed=5'])).stages[2]!;
    expect(again.seconds).toBeLessThan(100);
  });

  it('goes on where the command can resume, and is replaced where it cannot', async () => {
    for (const [failing, handled] of [
      ['eval', { resume: 'auto' }],
      ['init-model', { overwrite: true }],
    ] as const) {
      let exitCode = 1;
      const made: Fixture = fixture(YAML, ({ command, config }) => {
        if (command !== failing) return {};
        const folder = String(config.output_dir ?? config.output);
        made.write(join(relative(made.folder, folder), 'begun'), '');
        return { exitCode };
      });
      await failureOf(run(made));
      exitCode = 0;
      await run(made);
      expect(made.launched[0]).toMatchObject({ command: failing, config: handled });
    }
  });
});

describe('a stage that refuses its input after it has opened its output', () => {
  const opened = (made: Fixture) => join(made.folder, 'out/final/run.json');
  /** A run folder that is in use unless it may be replaced or gone on with; a config that is found bad late. */
  const lateRefusal = (): Fixture => {
    const made: Fixture = fixture(YAML, ({ command, config }) => {
      if (command !== 'grpo') return {};
      const { resume, overwrite, seed } = config;
      if (overwrite === true && resume === 'auto') return { exitCode: 2 };
      if (existsSync(opened(made)) && overwrite !== true && resume !== 'auto') {
        return { exitCode: 2 };
      }
      made.write('out/final/run.json', `{"seed":${seed}}`);
      return seed === 9 ? { exitCode: 2 } : {};
    });
    return made;
  };

  it.each([[[]], [['stages.final.resume=auto']], [['stages.final.overwrite=true']]])(
    'starts anew when the config is mended, with %j',
    async (words) => {
      const made = lateRefusal();
      await failureOf(run(made, ['stages.final.seed=9', ...words]));
      expect(statuses(await run(made, ['stages.final.seed=1', ...words]))).toEqual([
        ...['model skipped', 'prep skipped', 'final done', 'check done'],
      ]);
      expect(made.launched[0]?.config).toMatchObject({ overwrite: true, resume: 'never' });
      expect(readFileSync(opened(made), 'utf8')).toBe('{"seed":1}');
    },
  );

  it('goes on when something else is mended, also where the file says overwrite', async () => {
    const made = lateRefusal();
    const words = ['stages.final.seed=9', 'stages.final.overwrite=true'];
    await failureOf(run(made, words));
    await failureOf(run(made, words));
    expect(made.launched[0]?.config).toMatchObject({ overwrite: false, resume: 'auto' });
    expect(existsSync(opened(made))).toBe(true);
  });

  it('is not taken for what it was before', async () => {
    const made = lateRefusal();
    await run(made);
    await failureOf(run(made, ['stages.final.seed=9']));
    expect(readFileSync(opened(made), 'utf8')).toBe('{"seed":9}');
    expect(statuses(await run(made)).slice(2)).toEqual(['final done', 'check skipped']);
    expect(readFileSync(opened(made), 'utf8')).toBe('{"seed":42}');
  });
});

describe('a stage that ends before it has written anything', () => {
  /** Killed with its pipeline, it has no exit code. */
  it.each([1, 130, 137, null])('is still to be made anew, exit code %s', async (exitCode) => {
    let isLoading = false;
    const made = fixture(YAML, ({ command }) => {
      if (command !== 'grpo' || !isLoading) return {};
      if (exitCode === null) throw new Error('killed');
      return { exitCode };
    });
    await run(made);
    isLoading = true;
    for (const attempt of ['first', 'second']) {
      await failureOf(run(made, ['stages.final.seed=5']));
      expect(made.launched.at(-1)?.config, attempt).toMatchObject({ overwrite: true });
    }
    isLoading = false;
    expect(statuses(await run(made)).slice(2)).toEqual(['final skipped', 'check skipped']);
    await run(made, ['stages.final.seed=5']);
    expect(made.launched[0]?.config).toMatchObject({ overwrite: true, resume: 'never' });
  });

  it('goes on from what it has written when it is killed with its pipeline', async () => {
    let isLoading = true;
    const made: Fixture = fixture(YAML, ({ command }) => {
      if (command !== 'grpo' || !isLoading) return {};
      made.write('out/final/run.json', '{}');
      throw new Error('killed');
    });
    await failureOf(run(made));
    isLoading = false;
    await run(made);
    expect(made.launched[0]?.config).toMatchObject({ overwrite: false, resume: 'auto' });
  });
});

describe('a file that a stage writes at a path of its own', () => {
  const WITH_FILES = `${YAML.trimEnd().replace(/\}$/, ', rows_file: FOLDER/rows_of_check.jsonl}')}
  - name: table
    command: compare
    needs: [check]
    with: {inputs: [FOLDER/rows_of_check.jsonl, FOLDER/rows.jsonl], table: FOLDER/table.csv}
`;
  const withFiles = (): Fixture => {
    const made: Fixture = fixture(WITH_FILES, ({ config }) => {
      for (const path of [config.rows_file, config.table]) {
        if (typeof path === 'string') made.write(relative(made.folder, path), 'a');
      }
      return {};
    });
    return made;
  };
  const DONE = ['model skipped', 'prep skipped', 'final skipped'];

  it('is made again when it is gone', async () => {
    const made = withFiles();
    await run(made);
    expect(statuses(await run(made))).toEqual([...DONE, 'check skipped', 'table skipped']);
    rmSync(join(made.folder, 'table.csv'));
    expect(statuses(await run(made))).toEqual([...DONE, 'check skipped', 'table done']);
    expect(made.launched[0]?.config.overwrite).toBe(true);
    expect(made.logs).toContain(`stage table: compare (${join(made.folder, 'table.csv')} is gone)`);
    rmSync(join(made.folder, 'rows_of_check.jsonl'));
    expect(statuses(await run(made))).toEqual([...DONE, 'check done', 'table skipped']);
  });

  it.each([
    ['gone', []],
    ['another', ['stages.check.output_dir=FOLDER/other']],
  ])('is replaced when the output beside it is %s', async (what, words) => {
    const made = withFiles();
    await run(made);
    if (what === 'gone') rmSync(join(made.folder, 'out/check'));
    await run(
      made,
      words.map((word) => word.replace('FOLDER', made.folder)),
    );
    expect(made.logs).toContain(`stage check: eval (its output is ${what})`);
    expect(made.launched[0]).toMatchObject({ command: 'eval', config: { overwrite: true } });
  });

  it('is the own one of a stage whose record names its output alone', async () => {
    const made = withFiles();
    await run(made);
    for (const [id, outputs] of [
      ['check', [join(made.folder, 'out/check')]],
      ['table', []],
    ] as const) {
      const state = JSON.parse(readFileSync(join(made.folder, `out/stages/${id}.json`), 'utf8'));
      made.write(`out/stages/${id}.json`, JSON.stringify({ ...state, outputs }));
    }
    expect(statuses(await run(made))).toEqual([...DONE, 'check skipped', 'table skipped']);
  });

  it('may be named after its output', async () => {
    const made: Fixture = fixture(
      `
root: FOLDER/out
stages:
  - name: first
    command: rollouts
    with: {model: m, dataset: FOLDER/rows.jsonl, output: FOLDER/first.jsonl}
  - name: second
    command: rollouts
    with:
      model: m
      dataset: FOLDER/rows.jsonl
      output: FOLDER/second.jsonl
      bandit_file: FOLDER/second.json
      bandit_from: FOLDER/first.jsonl.bandit.json
  - name: pairs
    command: pairs
    with: {input: FOLDER/second.jsonl, output: FOLDER/pairs.jsonl}
`,
      ({ config }) => {
        const output = relative(made.folder, String(config.output));
        for (const end of ['stats', 'bandit']) made.write(`${output}.${end}.json`, '{}');
        if (typeof config.bandit_file === 'string') made.write('second.json', '{}');
        return {};
      },
    );
    const { stages } = loadPipeline({ file: made.file, overrides: [], env: {} });
    const names = stages.map(({ files }) => files.map((path) => relative(made.folder, path)));
    expect(names).toEqual([
      ['first.jsonl.stats.json', 'first.jsonl.bandit.json'],
      ['second.jsonl.stats.json', 'second.json'],
      ['pairs.jsonl.stats.json'],
    ]);
    expect(stages[1]?.upstream).toEqual(['first']);
    await run(made);
    rmSync(join(made.folder, 'first.jsonl.bandit.json'));
    const again = ['first done', 'second skipped', 'pairs skipped'];
    expect(statuses(await run(made))).toEqual(again);
  });

  it('takes the place of none that the stage has not made', async () => {
    const made = withFiles();
    await run(made);
    const kept = made.write('kept.jsonl', 'mine');
    const error = await failureOf(run(made, [`stages.check.rows_file=${kept}`]));
    expect(messageOf(error)).toBe(
      `${made.file}:19: stage check would replace ${kept}, which it has not made. ` +
        'Move that file away, or give the stage another path',
    );
    expect(readFileSync(kept, 'utf8')).toBe('mine');
  });

  it('makes what reads it depend on the stage', () => {
    const made = withFiles();
    made.write(
      'pipeline.yaml',
      WITH_FILES.replace('    needs: [check]\n', '').replaceAll('FOLDER', made.folder),
    );
    const plan = planPipeline(loadPipeline({ file: made.file, overrides: [] }));
    expect(plan.at(-1)?.stage).toMatchObject({ id: 'table', upstream: ['check'] });
  });
});

describe('an output that the stage has not made', () => {
  const refused = ({ command, config }: Launched) => {
    const isForeign = command === 'eval' && config.overwrite !== true;
    return isForeign ? { exitCode: 2 } : {};
  };

  it('is not replaced on the second try either', async () => {
    const made = fixture(YAML, refused);
    for (const attempt of ['first', 'second']) {
      expect(await failureOf(run(made)), attempt).toBeInstanceOf(InputError);
      expect(made.launched.at(-1)?.config.overwrite).toBe(false);
    }
  });

  it('is not replaced when a key moves the output there, and its own is', async () => {
    const made = fixture();
    const there = (name: string) => `stages.check.output_dir=${join(made.folder, name)}`;
    const overwrites = async (...words: string[]) => {
      await run(made, words);
      return made.launched.map(({ config }) => config.overwrite);
    };
    expect(await overwrites(there('a'))).toEqual([false, false, false, false]);
    made.write('b', 'mine');
    expect(await overwrites(there('b'))).toEqual([false]);
    expect(await overwrites(there('a'))).toEqual([true]);
  });
});

describe('an interrupt', () => {
  it('passes as the exit code of its signal and is resumed', async () => {
    const made: Fixture = fixture(YAML, ({ command, config }) => {
      if (command !== 'sft' || config.resume === 'auto') return {};
      made.write('out/prep/run.json', '{}');
      return { exitCode: 130 };
    });
    const error = await failureOf(run(made));
    expect(error).toBeInstanceOf(InterruptError);
    expect(error).toMatchObject({ exitCode: 130 });
    expect(messageOf(error)).toBe('interrupted at stage prep. Run the same command again to go on');
    const summary = JSON.parse(readFileSync(join(made.folder, 'out/pipeline.json'), 'utf8'));
    expect(statuses(summary)[1]).toBe('prep interrupted');
    expect(statuses(await run(made))[1]).toBe('prep done');
  });

  it('before a stage starts nothing more', async () => {
    const made = fixture(YAML, () => ({}));
    const { launch } = made;
    const stopping: Fixture = {
      ...made,
      launch: async (request) => {
        made.controller.abort('SIGTERM');
        return launch(request);
      },
    };
    const error = await failureOf(run(stopping));
    expect(error).toMatchObject({ exitCode: 143 });
    expect(made.launched.map(({ command }) => command)).toEqual(['init-model']);
    expect(existsSync(join(made.folder, 'out/stages/prep.json'))).toBe(false);
  });
});

describe('gates', () => {
  const gated = (gate: string) => `${YAML.trimEnd()}\n    stop_if: ${gate}\n  - name: after
    command: eval
    with: {model: "\${stages.final.output_dir}"}\n`;

  it('stop the pipeline with exit code 3, also when the stage is skipped', async () => {
    const made = fixture(gated('accuracy < 0.6'));
    for (const attempt of ['first', 'second']) {
      const error = await failureOf(run(made));
      expect(error, attempt).toBeInstanceOf(GateError);
      expect(error).toMatchObject({ exitCode: 3 });
      expect(messageOf(error)).toBe(
        `${made.file}:19: stage check met its gate "accuracy < 0.6". ` +
          'Change the stage or the gate and run again; finished stages are kept',
      );
    }
    expect(made.launched).toEqual([]);
    const summary = JSON.parse(readFileSync(join(made.folder, 'out/pipeline.json'), 'utf8'));
    expect(statuses(summary).slice(3)).toEqual(['check gated', 'after waiting']);
  });

  it('let it pass otherwise, and can be changed without running the stage again', async () => {
    const made = fixture(gated('accuracy < 0.6'));
    await failureOf(run(made));
    made.write('pipeline.yaml', gated('accuracy < 0.5').replaceAll('FOLDER', made.folder));
    expect(statuses(await run(made)).slice(3)).toEqual(['check skipped', 'after done']);
  });

  it('are what ends the run also where what was done cannot be written', async () => {
    const made = fixture(gated('accuracy < 0.6'));
    made.write('out/report.html/in-the-way', '');
    expect(await failureOf(run(made))).toBeInstanceOf(GateError);
    expect(made.logs.at(-1)).toMatch(/^what was done is not written: .*report\.html/);
    const passes = fixture();
    passes.write('out/report.html/in-the-way', '');
    expect((await failureOf(run(passes))).message).toContain('report.html');
  });

  it('compare with earlier stages', async () => {
    const results = ({ command }: { command: string }) => ({
      result: { accuracy: command === 'eval' ? 0.4 : 0.5 },
    });
    const worse = fixture(gated('accuracy < stages.prep.accuracy'), results);
    expect(await failureOf(run(worse))).toBeInstanceOf(GateError);
    const better = fixture(gated('accuracy > stages.prep.accuracy'), results);
    expect(statuses(await run(better))[4]).toBe('after done');
  });

  it('fail on a value that the result does not have', async () => {
    const made = fixture(gated('acuracy < 0.6'));
    expect((await failureOf(run(made))).message).toBe(
      'stage check: the result has no one value acuracy; it has accuracy',
    );
  });
});

describe('the plan', () => {
  it('says what would be done and why, and does nothing', async () => {
    const made = fixture();
    const plan = (overrides: string[] = []) =>
      planPipeline(loadPipeline({ file: made.file, overrides, env: {} })).map(
        ({ stage, action, reason }) => `${stage.id}: ${action} (${reason})`,
      );
    expect(plan()).toEqual([
      'model: run (new)',
      'prep: run (new)',
      'final: run (new)',
      'check: run (new)',
    ]);
    expect(existsSync(join(made.folder, 'out'))).toBe(false);
    await run(made);
    expect(plan(['stages.prep.seed=1'])).toEqual([
      'model: skip (done)',
      'prep: redo (its config or inputs changed)',
      'final: redo (its config or inputs changed)',
      'check: redo (its config or inputs changed)',
    ]);
  });
});

describe('a bad file', () => {
  const message = (text: string, overrides: string[] = []): string => {
    const made = fixture(text);
    const load = () => loadPipeline({ file: made.file, overrides, env: {} });
    return refusalOf(InputError, load).replaceAll(made.file, 'FILE');
  };
  const stages = (text: string) => `root: r\nstages:\n${text}`;

  it.each([
    ['stages: []\n', 'required key root is missing (Folder of the stages’ outputs and states)'],
    [
      'model: m\ndataset: d\nassistant_only_loss: true\n',
      'FILE: it has no stages. A file with the keys of one command is for that: lorikeet sft FILE',
    ],
    [
      'modl: m\n',
      'FILE: it has no stages. A file with the keys of one command is for that: lorikeet COMMAND FILE',
    ],
    ['root: r\nstages: []\n', 'FILE:2: stages is [], expected list of'],
    [
      stages('  - {name: a, command: sftt}\n'),
      'FILE:3: stages.0.command is "sftt", expected setup, ',
    ],
    [
      stages('  - {name: a/b, command: sft}\n'),
      'FILE:3: stages.0.name is "a/b", expected a name of letters',
    ],
    [
      stages('  - {name: a, command: setup}\n  - {name: a, command: setup}\n'),
      'FILE:4: two stages are called "a". Rename one',
    ],
    [
      stages('  - name: a\n    command: sft\n    with:\n      modl: x\n'),
      'FILE:6: unknown key "modl". The nearest known key is "model"',
    ],
    [
      stages('  - name: a\n    command: setup\n    needs: [b]\n'),
      'FILE:3: there is no earlier stage "b". Earlier stages are none',
    ],
    [
      stages('  - name: a\n    command: setup\n    stop_if: 3 <\n'),
      'FILE:5: cannot read gate "3 <" at "the end"',
    ],
    [
      stages(`  - name: a\n    command: eval\n    with: {model: "\${stages.b.x}"}\n`),
      'FILE:5: model: there is no earlier stage "b"',
    ],
    [
      stages(
        `  - {name: m, command: setup}\n  - name: a\n    command: eval\n    with: {model: "\${stages.m.x}"}\n`,
      ),
      'FILE:6: model: stage m has no key "x". Its keys are device',
    ],
    [
      stages(`  - name: a\n    command: eval\n    with: {model: "\${vars.none}"}\n`),
      `FILE:5: model: \${vars.none} is not set. Set it or give a default`,
    ],
    [
      stages('  - name: a\n    command: eval\n    config: none.yaml\n'),
      'none.yaml: no such config file. Check the path',
    ],
  ])('%# is refused', (text, expected) => {
    expect(message(text)).toContain(expected);
  });

  it('is refused for what is wrong with every stage, but not for what comes of it', () => {
    const stage = (name: string, keys: string) =>
      `  - {name: ${name}, command: eval, with: {${keys}}}\n`;
    const apart = stages(stage('a', 'model: m, seed: x') + stage('b', 'model: m, seed: -1'));
    expect(message(apart)).toBe(
      'FILE:3: seed is "x", expected whole number >= 0; ' +
        'FILE:4: seed is -1, expected whole number >= 0',
    );
    const after = stage('b', `model: "\${stages.a.output_dir}", seed: x`);
    expect(message(stages(stage('a', 'modl: x') + after))).toBe(
      'FILE:3: unknown key "modl". The nearest known key is "model"',
    );
  });

  it('refuses overrides of stages that are not there', () => {
    expect(message(YAML, ['stages.prp.seed=1'])).toBe(
      'command line: there is no stage "prp". The stages are model, prep, final, check',
    );
    expect(message(YAML, ['stages.prep.sed=1'])).toBe(
      'command line: unknown key "sed". The nearest known key is "seed"',
    );
    expect(message(YAML, ['stages.prep.seed=1'])).toBe('accepted');
  });
});
