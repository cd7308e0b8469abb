/** Run folders: refused in use, cleared without touching others' files, gone on with, locked. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checkRun,
  makeRunId,
  moveRunAside,
  type OpenRunOptions,
  openRun,
  PhaseClock,
  readRunRecord,
} from '../../../../src/report/index.js';
import { startRun } from '../../../../src/report/run/run-folder.js';
import { lockRun } from '../../../../src/report/run/run-lock.js';
import { InputError } from '../../../../src/util/errors.js';
import type { JsonRow } from '../../../../src/util/files.js';
import { temporaryFolder } from '../../../support/temporary.js';

const root = temporaryFolder();
let count = 0;
const freshDir = () => join(root, `run-${++count}`);

const options = (values: Record<string, unknown> = { a: 1 }): OpenRunOptions => ({
  config: { text: `${JSON.stringify(values)}\n`, values },
  command: 'sft',
  stage: 'prep',
  seeds: { seed: 7 },
  now: new Date('2026-01-02T03:04:05.678Z'),
});

/** A finished run with something in every place. */
function usedDir(): string {
  const dir = freshDir();
  const run = openRun(dir, options());
  for (const path of ['model', 'checkpoints/step-000010', 'debug', 'tensorboard']) {
    mkdirSync(join(dir, path), { recursive: true });
  }
  const files = [
    'metrics.jsonl',
    'samples.jsonl',
    'completions.jsonl',
    'report.html',
    'model/adapter_model.safetensors',
    'model/tokenizer.json',
    'checkpoints/step-000010/state.json',
    'tensorboard/events.out.tfevents.1',
  ];
  for (const file of files) writeFileSync(join(dir, file), 'old');
  writeFileSync(run.claim('debug/prep.csv'), 'old');
  run.close('done');
  return dir;
}

describe('makeRunId', () => {
  it('is the UTC second and eight hex digits of the config', () => {
    // printf '{"a":1}\n' | sha256sum
    const { config, now } = options();
    expect(makeRunId(config.text, now)).toBe('20260102T030405Z-e3464320');
    expect(makeRunId('other', now)).not.toBe(makeRunId(config.text, now));
  });
});

describe('openRun', () => {
  it('deletes what a killed process was writing', () => {
    const dir = usedDir();
    // No process has the first number; the second is that of a living one.
    const part = (name: string, pid: number) => join(dir, `${name}.${pid}.0a1b2c3d.part`);
    const files = ['run.json', 'debug/prep.csv', 'predictions/run_1.jsonl', 'eval/step_1.csv'];
    const run = openRun(dir, { ...options(), resume: 'auto' });
    for (const file of files.slice(2)) mkdirSync(dirname(run.claim(file)));
    run.close('interrupted');
    const left = [...files.map((name) => part(name, 99_999_999)), join(dir, 'model.part-99999999')];
    const others = [join(dir, 'notes.part'), part('model.gguf', process.ppid)];
    for (const path of [...left, ...others]) writeFileSync(path, '{');
    openRun(dir, { ...options(), resume: 'auto' }).close('done');
    expect(left.filter((path) => existsSync(path))).toEqual([]);
    expect(others.filter((path) => existsSync(path))).toEqual(others);
  });

  it('puts the model back that a killed process had moved aside for another', () => {
    const dir = usedDir();
    rmSync(join(dir, 'model'), { recursive: true });
    for (const end of ['', '.old']) {
      const folder = join(dir, `model.part-99999999${end}`);
      mkdirSync(folder);
      writeFileSync(join(folder, 'of'), `part${end}`);
    }
    openRun(dir, { ...options(), resume: 'auto' }).close('done');
    expect(readFileSync(join(dir, 'model/of'), 'utf8')).toBe('part.old');
    expect(readdirSync(dir).filter((name) => name.startsWith('model'))).toEqual(['model']);
  });

  it('is that of a run from its first file on', () => {
    const dir = freshDir();
    mkdirSync(join(dir, 'config.yaml'), { recursive: true });
    const lock = lockRun(dir);
    const start = { options: options(), previous: null, resumeFrom: null, lock };
    expect(() => startRun(dir, start)).toThrow(/config\.yaml/);
    expect(readRunRecord(dir)?.status).toBe('running');
  });

  it('gives no name away that is its own', () => {
    const run = openRun(freshDir(), options());
    for (const name of ['metrics.jsonl', 'completions.jsonl', './run.json', 'model']) {
      expect(() => run.claim(name)).toThrow(/is a name that the run uses itself/);
    }
    expect(run.claim('debug/metrics.jsonl')).toMatch(/metrics.jsonl$/);
    run.close('done');
  });

  it('writes the config and what is known of the run', () => {
    const dir = freshDir();
    const run = openRun(dir, options({ lr: 0.1 }));
    expect(readFileSync(run.paths.config, 'utf8')).toBe('{"lr":0.1}\n');
    expect(readRunRecord(dir)).toMatchObject({
      run_id: run.runId,
      command: 'sft',
      stage: 'prep',
      status: 'running',
      started_at: '2026-01-02T03:04:05.678Z',
      finished_at: null,
      seeds: { seed: 7 },
      config: { lr: 0.1 },
      versions: { node: process.versions.node },
    });
    run.phases.add('load', 1.5);
    run.record({ device: 'cpu', results: { accuracy: 0.5 }, versions: { tensorflow: '2.21' } });
    run.record({ results: { format_rate: 1 } });
    run.close('done');
    run.close('failed');
    expect(readRunRecord(dir)).toMatchObject({
      status: 'done',
      device: 'cpu',
      phases: { load: 1.5 },
      results: { accuracy: 0.5, format_rate: 1 },
      versions: { tensorflow: '2.21', node: process.versions.node },
    });
    expect(existsSync(join(dir, 'run.lock'))).toBe(false);
  });

  it('keeps why a run ended, until it goes on', () => {
    const dir = freshDir();
    openRun(dir, options({ lr: 0.1 })).close('failed', new Error('the disk is full'));
    expect(readRunRecord(dir)).toMatchObject({ status: 'failed', error: 'the disk is full' });
    openRun(dir, { ...options({ lr: 0.1 }), resume: 'auto' }).close('done');
    expect(readRunRecord(dir)).toMatchObject({ status: 'done', error: null });
  });

  it('names a record that is broken, and takes JSON of something else for none', () => {
    const dir = freshDir();
    openRun(dir, options()).close('done');
    const file = join(dir, 'run.json');
    const { results: _, ...broken } = JSON.parse(readFileSync(file, 'utf8')) as JsonRow;
    writeFileSync(file, JSON.stringify(broken));
    expect(() => readRunRecord(dir)).toThrow(
      `${file}: field "results" is missing, and should be of type object. Put the file back as it was`,
    );
    writeFileSync(file, '{"version": 1}');
    expect(readRunRecord(dir)).toBeNull();
  });

  it('refuses a folder in use, naming both remedies, and leaves it as it was', () => {
    const dir = usedDir();
    const before = readFileSync(join(dir, 'run.json'), 'utf8');
    const mayResume = { ...options(), resume: 'never' };
    expect(() => openRun(dir, mayResume)).toThrow(InputError);
    for (const check of [openRun, checkRun]) {
      expect(() => check(dir, mayResume)).toThrow(
        /in use by run 20260102T030405Z-\w{8} \(sft, done\)\. Give overwrite=true .* resume=auto/,
      );
      expect(() => check(dir, options())).toThrow(/overwrite=true to replace it, or another/);
    }
    expect(readFileSync(join(dir, 'run.json'), 'utf8')).toBe(before);
    expect(readFileSync(join(dir, 'metrics.jsonl'), 'utf8')).toBe('old');
    expect(existsSync(join(dir, 'run.lock'))).toBe(false);
  });

  it('takes a folder that holds only files of others', () => {
    const dir = freshDir();
    mkdirSync(dir);
    writeFileSync(join(dir, 'notes.txt'), 'mine');
    openRun(dir, options()).close('done');
    expect(readFileSync(join(dir, 'notes.txt'), 'utf8')).toBe('mine');
  });

  it('refuses a folder with files of a run and no run.json, even to overwrite', () => {
    const dir = freshDir();
    mkdirSync(join(dir, 'model'), { recursive: true });
    writeFileSync(join(dir, 'model', 'model.safetensors'), 'precious');
    for (const overwrite of [false, true]) {
      expect(() => openRun(dir, { ...options(), overwrite })).toThrow(/not the folder of a run/);
    }
    expect(readFileSync(join(dir, 'model', 'model.safetensors'), 'utf8')).toBe('precious');
  });

  it('overwrites the files of the run and no others', () => {
    const dir = usedDir();
    const mine = ['notes.txt', 'debug/mine.csv', 'model/notes.txt', 'checkpoints/best.txt'];
    for (const name of mine) writeFileSync(join(dir, name), 'mine');
    const run = openRun(dir, { ...options({ a: 2 }), overwrite: true });
    const left = readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
    expect(left.sort()).toEqual([...mine, 'config.yaml', 'run.json', 'run.lock'].sort());
    expect(readdirSync(dir).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(run.isResumed).toBe(false);
    run.close('done');
  });

  it('does not overwrite what the new run reads', () => {
    const dir = usedDir();
    const open = (...reads: string[]) => openRun(dir, { ...options(), overwrite: true, reads });
    for (const path of ['', 'model', 'model/tokenizer.json', 'checkpoints/step-000010']) {
      expect(() => open('owner/name', join(dir, path))).toThrow(/which this run reads/);
    }
    expect(readFileSync(join(dir, 'model', 'tokenizer.json'), 'utf8')).toBe('old');
    open('owner/name', `${dir}-other`, join(dir, 'rows.jsonl')).close('done');
  });

  it('goes on with a run under its id, and says what changed in the config', () => {
    const dir = freshDir();
    const first = openRun(dir, options({ max_steps: 10, lora: { r: 8 } }));
    first.phases.add('train', 2);
    first.close('interrupted');
    const later = new Date('2026-01-03T00:00:00Z');
    const second = openRun(dir, {
      ...options({ max_steps: 20, lora: { r: 8 } }),
      now: later,
      resume: 'auto',
    });
    expect(second).toMatchObject({ runId: first.runId, isResumed: true, resumeFrom: null });
    expect(second.configChanges).toEqual([{ key: 'max_steps', values: [10, 20] }]);
    second.phases.add('train', 3);
    second.close('done');
    expect(readRunRecord(dir)).toMatchObject({
      phases: { train: 5 },
      started_at: '2026-01-02T03:04:05.678Z',
      resumes: [{ at: '2026-01-03T00:00:00.000Z' }],
    });
  });

  it('says which data sets and tokenizers changed, under the same commit', () => {
    const dir = freshDir();
    const source = (kind: 'model' | 'dataset', name: string, commit: string, sha256: string) => ({
      ...{ kind, name, revision: null, commit, sha256 },
    });
    const before = [source('model', 'm', 'c', '1'), source('dataset', 'd', 'c', '1')];
    openRun(dir, { ...options(), sources: before }).close('interrupted');
    const now = [source('model', 'm', 'c', '2'), source('dataset', 'd', 'other', '2')];
    const run = openRun(dir, { ...options(), sources: now, resume: 'auto' });
    expect(run.changedSources).toEqual([now[0]]);
    run.close('done');
  });

  it('leaves open why a run that is gone on with ends', () => {
    const dir = freshDir();
    const first = openRun(dir, options());
    first.record({ results: { steps: 2, ended_by: 'stop_at_accuracy', accuracy: 0.5 } });
    first.close('done');
    openRun(dir, { ...options(), resume: 'auto' }).close('done');
    expect(readRunRecord(dir)?.results).toEqual({ steps: 2, accuracy: 0.5 });
  });

  it('starts afresh with resume=auto where there is nothing to go on with', () => {
    const run = openRun(freshDir(), { ...options(), resume: 'auto' });
    expect(run.isResumed).toBe(false);
    run.close('done');
  });

  it('does not go on with a run of another command', () => {
    const dir = usedDir();
    expect(() => openRun(dir, { ...options(), command: 'grpo', resume: 'auto' })).toThrow(
      /holds a run of sft, which grpo cannot resume/,
    );
  });

  it('takes the path of a checkpoint, its own or of another run', () => {
    const dir = usedDir();
    const checkpoint = join(dir, 'checkpoints', 'step-000010');
    const own = openRun(dir, { ...options(), resume: checkpoint });
    expect(own).toMatchObject({ isResumed: true, resumeFrom: checkpoint });
    own.close('done');
    const other = openRun(freshDir(), { ...options(), resume: checkpoint });
    expect(other).toMatchObject({ isResumed: false, resumeFrom: checkpoint });
    other.close('done');
    expect(() => openRun(dir, { ...options(), resume: checkpoint, overwrite: true })).toThrow(
      /would delete .*step-000010, which this run reads/,
    );
    expect(() => openRun(usedDir(), { ...options(), resume: checkpoint })).toThrow(/in use/);
    expect(() => openRun(dir, { ...options(), resume: join(dir, 'no') })).toThrow(
      /no checkpoint folder/,
    );
  });

  it('refuses contradictions, files in place of folders, and paths outside', () => {
    expect(() => openRun(freshDir(), { ...options(), resume: 'auto', overwrite: true })).toThrow(
      /contradict/,
    );
    const file = freshDir();
    writeFileSync(file, '');
    expect(() => openRun(file, options())).toThrow(/is a file, not a folder/);
    expect(() => checkRun(join(file, 'a', 'b'), options())).toThrow(/is a file, not a folder/);
    expect(() => checkRun(join(freshDir(), 'a'), options())).not.toThrow();
    const run = openRun(freshDir(), options());
    for (const path of ['../x', '/x', 'a/../../x', '.']) {
      expect(() => run.claim(path)).toThrow(/outside the run folder/);
    }
    run.close('done');
  });
});

describe('the lock', () => {
  const lockOf = (pid: number, host = hostname()) => JSON.stringify({ pid, host, start: null });

  it('keeps a second process out while the first lives', async () => {
    const dir = usedDir();
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
    writeFileSync(join(dir, 'run.lock'), lockOf(child.pid!));
    for (const how of [{ resume: 'auto' }, { overwrite: true }]) {
      expect(() => openRun(dir, { ...options(), ...how })).toThrow(
        new RegExp(`process ${child.pid} on .* is writing into this folder`),
      );
    }
    expect(() => moveRunAside(dir)).toThrow(/is writing/);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    openRun(dir, { ...options(), resume: 'auto' }).close('done');
  });

  it.skipIf(process.platform !== 'linux')(
    'is taken from a killed process that nobody has collected (Linux)',
    async () => {
      const dir = usedDir();
      // The shell becomes `sleep 60`, which never collects the child that it inherits.
      const shell = spawn('sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 60']);
      const [line] = await once(shell.stdout, 'data');
      const zombie = Number(String(line));
      while (!/\) Z /.test(readFileSync(`/proc/${zombie}/stat`, 'utf8'))) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      writeFileSync(join(dir, 'run.lock'), lockOf(zombie));
      openRun(dir, { ...options(), resume: 'auto' }).close('done');
      shell.kill('SIGKILL');
    },
  );

  it.each([
    ['moved', (dir: string) => renameSync(dir, `${dir}-moved`)],
    ['deleted', (dir: string) => rmSync(dir, { recursive: true })],
    [
      'taken by another run',
      (dir: string) => {
        rmSync(join(dir, 'run.lock'));
        openRun(dir, { ...options(), overwrite: true });
      },
    ],
  ])('that is lost, as the folder is %s, stops the run and is written into no more', (_, lose) => {
    const dir = freshDir();
    const run = openRun(dir, options());
    run.check();
    lose(dir);
    const before = existsSync(dir) ? readFileSync(join(dir, 'run.json'), 'utf8') : null;
    const lost = `${dir}: its run.lock is gone: the folder was moved, deleted or taken`;
    expect(run.check).toThrow(lost);
    expect(() => run.record({ results: { steps: 3 } })).toThrow(lost);
    expect(run.close('failed', new Error('lost'))).toBe(false);
    expect(existsSync(dir) ? readFileSync(join(dir, 'run.json'), 'utf8') : null).toBe(before);
  });

  it('is not taken from another machine, and is from a reused pid or half a file', () => {
    const dir = usedDir();
    writeFileSync(join(dir, 'run.lock'), lockOf(1, 'elsewhere'));
    expect(() => openRun(dir, { ...options(), resume: 'auto' })).toThrow(/on elsewhere/);
    const past = new Date(Date.now() - 5_000);
    for (const text of ['{"pid":', JSON.stringify({ pid: 1, host: hostname(), start: '-1' })]) {
      writeFileSync(join(dir, 'run.lock'), text);
      utimesSync(join(dir, 'run.lock'), past, past);
      openRun(dir, { ...options(), resume: 'auto' }).close('done');
    }
  });
});

describe('moveRunAside', () => {
  it('renames the whole folder to its run id, and never onto another', () => {
    const dir = usedDir();
    const id = readRunRecord(dir)?.run_id;
    expect(moveRunAside(dir)).toBe(`${dir}.${id}`);
    expect(existsSync(dir)).toBe(false);
    expect(readFileSync(join(`${dir}.${id}`, 'metrics.jsonl'), 'utf8')).toBe('old');
    openRun(dir, options()).close('done');
    expect(moveRunAside(dir)).toBe(`${dir}.${id}-2`);
    expect(moveRunAside(dir)).toBeNull();
  });
});

describe('PhaseClock', () => {
  it('sums by phase, also over work that throws', async () => {
    let now = 0;
    const clock = new PhaseClock({ load: 1 }, () => now);
    const work = async () => {
      now += 250;
    };
    await clock.time('load', work);
    await clock.time('train', work);
    const failing = async () => {
      now += 500;
      throw new Error('no');
    };
    await expect(clock.time('train', failing)).rejects.toThrow('no');
    expect(clock.totals()).toEqual({ load: 1.25, train: 0.75 });
  });

  it('counts a phase inside another for itself alone, and gives the seconds since the last lap', async () => {
    let now = 0;
    const clock = new PhaseClock({ rollout: 5 }, () => now);
    const pass = async (milliseconds: number) => {
      now += milliseconds;
    };
    const lap = clock.laps();
    await clock.time('update', async () => {
      await pass(100);
      await clock.time('rollout', () => pass(300));
      await pass(50);
    });
    expect(lap()).toEqual({ 'time/update': 0.15, 'time/rollout': expect.closeTo(0.3, 9) });
    await clock.time('save', () => pass(20));
    expect(lap()).toEqual({ 'time/save': 0.02 });
    expect(clock.totals()).toEqual({ rollout: 5.3, update: 0.15, save: 0.02 });
  });
});
