/** Ctrl-C and SIGTERM: what is done is saved, the exit code names the signal, and the run goes on later. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toJsonl, writeFileAtomic } from '../../src/util/files.js';
import { filesIn } from '../support/files-in.js';
import { temporaryFolder } from '../support/temporary.js';
import { tinyTraining } from '../support/tiny-training.js';
import { call, interrupt, snapshot, start } from './command-line.js';
import { rowsIn } from './killed-run.js';

const { dir, at, json, jsonl } = filesIn(temporaryFolder());
const tiny = tinyTraining(dir);

const STEPS = 50;
const FEW_STEPS = 20;

const record = (name: string) => json(name, 'run.json') as { status: string; resumes: object[] };

const stepsOf = (name: string) => jsonl(name, 'metrics.jsonl').map(({ step }) => step as number);

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe.each([
  ['sft', 'SIGINT', 130, STEPS, ['per_device_train_batch_size=8', 'lora.lora_dropout=0.1']],
  ['dpo', 'SIGTERM', 143, STEPS, ['per_device_train_batch_size=4']],
  [
    'grpo',
    'SIGINT',
    130,
    FEW_STEPS,
    [
      ...['num_generations=4', 'per_device_train_batch_size=8', 'max_completion_length=24'],
      ...['steps_per_generation=2', 'learning_rate=1e-3'],
    ],
  ],
] as const)('%s after %s', (command, signal, exitCode, steps, keys) => {
  const argv = (name: string, ...words: string[]) => [
    command,
    ...tiny.keys,
    ...(command === 'dpo' ? [`dataset.path=${tiny.pairs}`] : []),
    ...[`model=${tiny.base}`, `output_dir=${at(name)}`, `max_steps=${steps}`, ...keys, ...words],
  ];

  it('stops with a checkpoint, and goes on to the same adapter', async () => {
    const stopped = await interrupt(start(argv(command)), signal, () => rowsIn(at(command)) >= 3);
    expect(stopped.code, stopped.err.join('\n')).toBe(exitCode);
    const [, done = ''] =
      /^error: stopped after step (\d+) of \d+, checkpoint saved\. Go on with resume=auto output_dir=\S+$/.exec(
        stopped.err.at(-1) ?? '',
      ) ?? [];
    expect(Number(done)).toBeGreaterThanOrEqual(3);
    expect(Number(done)).toBeLessThan(steps);
    expect(record(command)).toMatchObject({ status: 'interrupted' });
    expect(existsSync(at(command, 'model'))).toBe(false);
    expect(stepsOf(command)).toEqual(upTo(Number(done)));

    expect(stopped.err.at(-1)).toContain(`output_dir=${at(command)}`);

    const resumed = await call(argv(command, 'resume=auto'));
    expect(resumed.code, resumed.err.join('\n')).toBe(0);
    expect(resumed.err.join('\n')).toContain(`(step ${done})`);
    expect(resumed.err.join('\n')).not.toMatch(/ is .*, was .* before/);
    expect(record(command)).toMatchObject({ status: 'done', resumes: [{}] });
    expect(stepsOf(command)).toEqual(upTo(steps));

    const whole = await call(argv(`whole-${command}`));
    expect(whole.code, whole.err.join('\n')).toBe(0);
    const files = (name: string) => Object.values(snapshot(at(name, 'model')));
    expect(files(command)).toEqual(files(`whole-${command}`));
  });
});

describe('a pipeline', () => {
  it('stops with its stage, and goes on in the middle of it', async () => {
    const file = at('pipeline.yaml');
    const keys = Object.fromEntries(
      tiny.keys.map((word) => word.split(/=(.*)/s) as [string, string]),
    );
    const stage = (name: string, model: string, steps: number) => ({
      name,
      command: 'sft',
      with: {
        prompt_template: keys.prompt_template,
        dataset: keys['dataset.path'],
        model,
        max_steps: steps,
      },
    });
    const stages = [
      stage('first', tiny.base, 1),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the pipeline file
      stage('second', '${stages.first.output_dir}', STEPS),
    ];
    writeFileAtomic(file, JSON.stringify({ root: at('out'), stages }));
    const stopped = await interrupt(
      start(['run', file]),
      'SIGINT',
      () => rowsIn(at('out', 'second')) >= 3,
    );
    expect(stopped.code, stopped.err.join('\n')).toBe(130);
    expect(stopped.err.at(-1)).toBe(
      'error: interrupted at stage second. Run the same command again to go on',
    );
    expect(stopped.err.filter((line) => line.startsWith('SIGINT: stopping'))).toHaveLength(1);

    const again = await call(['run', file]);
    expect(again.code, again.err.join('\n')).toBe(0);
    expect(JSON.parse(again.out)).toMatchObject({ stages: { skipped: 1, done: 1 } });
    expect(again.err).toContain('stage second: sft (was interrupted)');
    expect(stepsOf('out/second')).toEqual(upTo(STEPS));
    expect(record('out/second').resumes).toHaveLength(1);
  });
});

describe('an evaluation', () => {
  it('stops without a result', async () => {
    const name = 'evaluation';
    const rows = at('many.jsonl');
    const one = {
      question: 'Tom has 3 pens and buys 4. How many pens does Tom have?',
      answer: '7',
    };
    writeFileAtomic(rows, toJsonl(Array(20_000).fill(one)));
    const argv = [
      ...['eval', ...tiny.keys, `model=${tiny.base}`, `dataset.path=${rows}`],
      ...[`output_dir=${at(name)}`, 'max_new_tokens=48', 'batch_size=8'],
    ];
    const stopped = await interrupt(start(argv), 'SIGTERM', () => existsSync(at(name, 'run.json')));
    expect(stopped.code, stopped.err.join('\n')).toBe(143);
    expect(stopped.err.at(-1)).toMatch(
      /^error: stopped during the evaluation; .* holds its predictions so far\. Give resume=auto/,
    );
    expect(record(name)).toMatchObject({ status: 'interrupted' });
    expect(existsSync(at(name, 'debug'))).toBe(false);
  });
});
