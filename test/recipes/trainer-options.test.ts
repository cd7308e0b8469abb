/** Options of the trainers in whole runs on a tiny model: what they leave in the run folder. */
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { judgeModels } from '../../src/recipes/judge/judge-model.js';
import { DuringTraining } from '../../src/recipes/training/evaluate-during.js';
import { readRun } from '../../src/report/index.js';
import { GuardError } from '../../src/util/errors.js';
import { type JsonRow, readJsonl, toJsonl } from '../../src/util/files.js';
import { tinyRuns } from './tiny-runs.js';

const runs = tinyRuns();
const { dir, said, tiny, format: sft, dpo, grpo, rowsOf, column } = runs;

afterEach(() => vi.restoreAllMocks());

/** Metrics of the evaluations of a run, which are those that may be watched. @param again The run under another name */
async function watchable(
  name: string,
  again: (name: string, keys: readonly string[]) => Promise<unknown>,
): Promise<string[]> {
  const names = new Set(rowsOf(name).flatMap(Object.keys));
  const found = [...names].filter((metric) => metric.startsWith('eval/'));
  const refused = again('unwatchable', ['metric_for_best_model=none']).catch(String);
  const known = /Known are (.*)/.exec(String(await refused))![1]!.split(', ');
  expect(known.sort()).toEqual([...found].sort());
  expect(existsSync(join(dir, 'unwatchable'))).toBe(false);
  return found;
}

test('sft ends early with the best of its evaluations', async () => {
  // Entropy falls as the model learns, so the first evaluation is the best by it, and three are worse.
  const keys = [
    `eval_dataset=${join(dir, 'rows.jsonl')}`,
    'eval_dataset.num_samples=16',
    'eval_steps=2',
    'metric_for_best_model=eval/entropy',
    'greater_is_better=true',
    'max_steps=40',
    'optim=adamw_8bit',
    'neftune_noise_alpha=2',
    'label_smoothing_factor=0.05',
    'early_stopping_patience=3',
    'load_best_model_at_end=true',
    'save_total_limit=1',
  ];
  await sft('best', keys);
  const losses = column('best', 'eval/loss');
  expect(losses).toHaveLength(4);
  expect(losses.at(-1)).toBeLessThan(losses[0]!);
  expect(rowsOf('best')).toHaveLength(8);
  expect(said.join('\n')).toContain('the best step was 2');
  const kept = readdirSync(join(dir, 'best', 'checkpoints')).sort();
  expect(kept).toEqual(['step-000002', 'step-000008']);
  const again: typeof sft = (name, more) => sft(name, [...keys, ...more]);
  expect(await watchable('best', again)).toEqual([
    'eval/loss',
    'eval/entropy',
    'eval/mean_token_accuracy',
  ]);
});

test('sft smooths the loss of held-out rows as that of training, as TRL does', async () => {
  // One step of all 40 rows, at a rate that moves nothing: both are of the same model and rows.
  await sft('smoothed', [
    `eval_dataset=${join(dir, 'rows.jsonl')}`,
    ...['eval_steps=1', 'max_steps=1', 'gradient_accumulation_steps=5'],
    ...['label_smoothing_factor=0.3', 'learning_rate=1e-12'],
  ]);
  expect(column('smoothed', 'eval/loss')).toBeAllclose(column('smoothed', 'loss'));
});

describe('the best step', () => {
  const held = () => [
    `eval_dataset=${join(dir, 'rows.jsonl')}`,
    ...['eval_dataset.num_samples=4', 'eval_steps=2'],
  ];
  // Entropy falls as the model learns.
  const entropy = ['metric_for_best_model=eval_entropy', 'greater_is_better=true'];
  const best = [...entropy, 'load_best_model_at_end=true'];

  test('is one that a checkpoint of grpo can be of', async () => {
    said.length = 0;
    // No completion of one token has the format: the first evaluation is as good as all others.
    await grpo('generations', [
      ...['max_steps=4', 'num_iterations=2', 'eval_samples=4', 'eval_steps=1'],
      ...['eval.max_new_tokens=1', 'metric_for_best_model=eval/format_rate'],
      'load_best_model_at_end=true',
    ]);
    expect(column('generations', 'eval/format_rate')).toEqual([0, 0, 0, 0]);
    expect(said).toContain('the best step was 2: the model is that of its checkpoint');
    expect(said.join('\n')).toContain('warning: eval_steps=1: checkpoints are of every 2 steps');
  });

  test('is none of those whose checkpoints the run does not have', async () => {
    await sft('early', [...held(), ...entropy, 'max_steps=4']);
    said.length = 0;
    const last = join(dir, 'early', 'checkpoints', 'step-000004');
    await sft('other', [...held(), ...best, 'max_steps=6', `resume=${last}`]);
    expect(said.join('\n')).toContain('the best step so far, 2, has no checkpoint in this run');
    expect(said.join('\n')).not.toContain('the best step was');

    said.length = 0;
    await sft('early', [...held(), ...best, 'max_steps=6', 'resume=auto']);
    expect(said.join('\n')).toContain('the best step so far, 2, has no checkpoint in this run');
    expect(said).toContain('the best step was 4: the model is that of its checkpoint');
  });

  test.each([
    ['deleted', (path: string) => rmSync(path, { recursive: true }), /is gone: the model is that/],
    [
      'damaged',
      (path: string) => truncateSync(join(path, 'optimizer.safetensors'), 100),
      /cannot be read \(.*damaged checkpoint: .*\): the model is that of step 4/,
    ],
  ])('is the last one where its checkpoint was %s', async (name, harm, why) => {
    said.length = 0;
    const after = DuringTraining.prototype.after;
    vi.spyOn(DuringTraining.prototype, 'after').mockImplementation(function (
      this: DuringTraining,
      step,
    ) {
      if (step === 4) harm(join(dir, name, 'checkpoints', 'step-000002'));
      return after.call(this, step);
    });
    await sft(name, [...held(), ...best, 'max_steps=4']);
    expect(said.join('\n')).toMatch(why);
    expect(existsSync(join(dir, name, 'model'))).toBe(true);
  });

  test('is not sought among values of another metric', async () => {
    await sft('watched', [...held(), 'eval_steps=1', 'max_steps=3']);
    said.length = 0;
    const other = ['metric_for_best_model=eval_mean_token_accuracy', 'early_stopping_patience=2'];
    await sft('watched', [...held(), 'eval_steps=1', ...other, 'max_steps=5', 'resume=auto']);
    expect(said.join('\n')).toContain(
      'metric_for_best_model is eval/mean_token_accuracy, was eval/loss before: the best step',
    );
    expect(rowsOf('watched')).toHaveLength(5);
  });
});

test('sft goes on with moments of the same kind of optimizer only', async () => {
  await sft('lion', ['optim=lion_32bit', 'max_steps=1']);
  const onward = (optim: string) => sft('lion', [`optim=${optim}`, 'max_steps=2', 'resume=auto']);
  await expect(onward('adamw_torch')).rejects.toThrow(
    /^optim: adamw_torch, but this run began with lion_32bit or lion_8bit\./,
  );
  await onward('lion_8bit');
  expect(rowsOf('lion')).toHaveLength(2);
});

test('sft says that the rows are others than those it began with', async () => {
  const rows = join(dir, 'changing.jsonl');
  writeFileSync(rows, readFileSync(join(dir, 'rows.jsonl')));
  const keys = (steps: number) => [`dataset.path=${rows}`, `max_steps=${steps}`, 'resume=auto'];
  await sft('changed', keys(1));
  said.length = 0;
  await sft('changed', keys(2));
  expect(said.join('\n')).not.toContain('have changed');
  writeFileSync(rows, readFileSync(rows, 'utf8').split('\n').reverse().slice(1).join('\n'));
  await sft('changed', keys(3));
  expect(said.join('\n')).toContain(`warning: the rows of ${rows} have changed since the run`);
});

test.each([
  [
    'eval/els',
    /^metric_for_best_model: "eval\/els" is not evaluated\. The nearest is eval\/loss\. /,
  ],
  ['eval_accuracy', /^metric_for_best_model: "eval\/accuracy" is not evaluated\. .*eval\/loss/],
])('sft refuses to watch %s before it begins', async (metric, said) => {
  const keys = [`eval_dataset=${join(dir, 'rows.jsonl')}`, 'eval_steps=1'];
  const run = sft('unwatched', [...keys, `metric_for_best_model=${metric}`]);
  await expect(run).rejects.toThrow(said);
  expect(existsSync(join(dir, 'unwatched'))).toBe(false);
});

test('sft evaluates no rewards, and a score where its grader gives one', async () => {
  const eval_ = [`eval.dataset.path=${join(dir, 'rows.jsonl')}`, 'eval.dataset.num_samples=2'];
  const keys = [...eval_, 'eval.max_new_tokens=4', 'eval_steps=1', 'max_steps=1'];
  const again: typeof sft = (name, more) => sft(name, [...keys, ...more]);
  await again('evaluated', []);
  const names = await watchable('evaluated', again);
  expect(names).not.toContain('eval/reward');
  expect(names).not.toContain('eval/score');
  const file = join(dir, 'grader.json');
  const grader = { type: 'string_check', name: 'same', operation: 'eq' };
  const sides = { input: '{{sample.output_text}}', reference: '{{item.answer}}' };
  writeFileSync(file, JSON.stringify({ ...grader, ...sides }));
  const graded: typeof sft = (name, more) => again(name, [`eval.grader_file=${file}`, ...more]);
  await graded('scored', []);
  expect(await watchable('scored', graded)).toContain('eval/score');
});

test.each([
  ['on the way', 4, 2],
  ['after its last step', 4, 4],
])('sft has the metrics of an evaluation that failed %s, and was repeated', async (_, to, at) => {
  const name = `repeated-${at}-${to}`;
  const keys = [
    `eval_dataset=${join(dir, 'rows.jsonl')}`,
    ...['eval_dataset.num_samples=4', `eval_steps=${at}`, `max_steps=${to}`],
  ];
  vi.spyOn(DuringTraining.prototype, 'after').mockRejectedValueOnce(new Error('no memory'));
  await expect(sft(name, keys)).rejects.toThrow('no memory');
  const evaluated = () => rowsOf(name).filter((row) => row['eval/loss'] !== undefined);
  expect(rowsOf(name)).toHaveLength(at);
  expect(evaluated()).toEqual([]);
  await sft(name, [...keys, 'resume=auto']);
  expect(rowsOf(name).map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  expect(evaluated().map(({ step }) => step)).toEqual(at === 4 ? [4] : [2, 4]);

  // The metrics are those of a run in which nothing failed.
  await sft(`${name}-whole`, keys);
  expect(column(name, 'eval/loss')).toEqual(column(`${name}-whole`, 'eval/loss'));
});

test('sft fills its sequences with several examples', async () => {
  said.length = 0;
  await sft('packed', ['packing=true', 'max_length=128', 'num_train_epochs=2']);
  const [, examples, packs] = /(\d+) examples in (\d+) packs/.exec(said.join('\n'))!;
  expect(Number(packs)).toBeLessThan(Number(examples) / 2);
  expect(rowsOf('packed')).toHaveLength(Math.ceil((2 * Number(packs)) / 16));
  const losses = column('packed', 'loss');
  expect(losses.at(-1)).toBeLessThan(losses[0]!);
});

test('dpo keeps the reference’s log-probabilities for a resumed run', async () => {
  const keys = [
    'precompute_ref_log_probs=true',
    'loss_type=["sigmoid","sft"]',
    'learning_rate=1e-3',
  ];
  const held = [`eval_dataset=${tiny.pairs}`, 'eval_steps=2'];
  await dpo('kept', [...keys, 'max_steps=2', ...held]);
  const file = readFileSync(join(dir, 'kept', 'reference_logps.json'), 'utf8');
  expect(JSON.parse(file).logps).toHaveLength(40);
  expect(column('kept', 'eval/rewards/accuracies')).toHaveLength(1);
  const again: typeof dpo = (name, more) => dpo(name, [...keys, ...held, ...more]);
  const names = await watchable('kept', again);
  expect(names).toEqual(expect.arrayContaining(['eval/rewards/margins', 'eval/nll_loss']));
  said.length = 0;
  await dpo('kept', [...keys, 'max_steps=4', 'resume=auto']);
  expect(said.join('\n')).toMatch(
    /reference log-probabilities are those of .*reference_logps.json/,
  );
  expect(rowsOf('kept')).toHaveLength(4);
});

test('dpo stops while it scores the reference, and a resumed run scores the rest', async () => {
  const keys = ['precompute_ref_log_probs=true', 'max_steps=2'];
  const stop = { ...runs.context, signal: AbortSignal.abort('SIGINT') };
  await expect(dpo('stopped', keys, stop)).rejects.toThrow(
    /log-probabilities of 8 of 40 pairs, which are kept\. Go on with resume=auto output_dir=.*stopped$/,
  );
  said.length = 0;
  await dpo('stopped', [...keys, 'resume=auto']);
  expect(said.join('\n')).toMatch(/log-probabilities of 8 of 40 pairs are those of/);
  await dpo('unstopped', keys);
  expect(column('stopped', 'loss')).toEqual(column('unstopped', 'loss'));
  const kept = (name: string) => readFileSync(join(dir, name, 'reference_logps.json'), 'utf8');
  expect(kept('stopped')).toBe(kept('unstopped'));
});

test('dpo scores the reference of held-out pairs once, before the first step, and stops meanwhile', async () => {
  const held = [`eval_dataset=${tiny.pairs}`, 'eval_steps=1', 'max_steps=2', 'learning_rate=1e-3'];
  const stop = { ...runs.context, signal: AbortSignal.abort('SIGINT') };
  await expect(dpo('once', held, stop)).rejects.toThrow(
    /log-probabilities of 8 of 40 pairs, which are kept\. Go on with resume=auto output_dir=.*once$/,
  );
  said.length = 0;
  await dpo('once', [...held, 'resume=auto']);
  expect(said.join('\n')).toMatch(/of 8 of 40 pairs are those of .*reference_logps_eval.json/);
  const moving = ['sync_ref_model=true', 'ref_model_sync_steps=10', 'lora.lora_dropout=0'];
  await dpo('moving', [...held, ...moving]);
  expect(readdirSync(join(dir, 'moving'))).not.toContain('reference_logps_eval.json');
  expect(column('once', 'eval/rewards/margins')[1]).not.toBe(0);

  const answers = [...held, 'loss_type=kto'];
  await expect(dpo('held-kto', answers, stop)).rejects.toThrow(/while the reference was scored on/);
  await dpo('held-kto', [...answers, 'resume=auto']);
  await dpo('moving-kto', [...answers, ...moving]);
  for (const name of ['eval/loss', 'eval/kl', 'eval/rewards/margins']) {
    expect(column('held-kto', name), name).toBeAllclose(column('moving-kto', name) as number[], {
      rtol: 1e-6,
      atol: 1e-7,
    });
  }
});

test('dpo learns from labelled answers too', async () => {
  await dpo('kto', ['loss_type=kto', 'max_steps=4', 'learning_rate=1e-2']);
  expect(said.join('\n')).toContain('40 good and 40 bad answers');
  const losses = column('kto', 'loss');
  expect(losses[0]).toBeCloseTo(0.5, 5);
  expect(losses.at(-1)).toBeLessThan(0.5);
});

test('dpo evaluates labelled answers with the metrics of a step', async () => {
  // Each step has all answers, and so the numbers of the evaluation before it; but for kl, which pairs them
  // in the order of the step.
  const keys = ['loss_type=kto', 'max_steps=2', 'per_device_train_batch_size=80'];
  const held = [`eval_dataset=${tiny.pairs}`, 'eval_steps=1', 'learning_rate=1e-2'];
  await dpo('kto-held', [...keys, ...held, 'lora.lora_dropout=0']);
  const [first, second] = rowsOf('kto-held');
  const names = Object.keys(second!).filter((name) => /^(rewards|logps|logits)/.test(name));
  expect(names).toHaveLength(7);
  for (const name of names) {
    expect(first![`eval/${name}`], name).toBeCloseTo(second![name] as number, 4);
  }
  expect(second!['rewards/margins']).toBeGreaterThan(1e-3);
  expect(first!['eval/kl']).toBeGreaterThanOrEqual(0);
  const again: typeof dpo = (name, more) => dpo(name, [...keys, ...held, ...more]);
  expect(await watchable('kto-held', again)).toContain('eval/kl');

  const good = join(dir, 'good.jsonl');
  const kept = readJsonl(tiny.pairs).map(({ question, chosen }) => ({
    ...{ prompt: question, completion: chosen, label: true },
  }));
  writeFileSync(good, toJsonl(kept));
  const oneSided = [...keys, 'max_steps=1', 'eval_steps=1', `eval_dataset=${good}`];
  await dpo('kto-good', oneSided);
  const more: typeof dpo = (name, own) => dpo(name, [...oneSided, ...own]);
  expect(await watchable('kto-good', more)).not.toContain('eval/rewards/margins');
});

test.each([
  ['sft', sft, ['excess_length_strategy=drop']],
  ['dpo', dpo, []],
  ['dpo of labelled answers', dpo, ['loss_type=kto']],
])('%s refuses held-out rows of which none is short enough, before it begins', async (...args) => {
  const [, run, keys] = args;
  const path = join(dir, 'long.jsonl');
  const answers = { reasoning: '3 + 4', answer: '7', chosen: '[7]{7}', rejected: '{8}' };
  writeFileSync(
    path,
    `${JSON.stringify({ question: 'What is 3 + 4? '.repeat(60), ...answers })}\n`,
  );
  await expect(
    run('held', [`eval_dataset=${path}`, 'eval_steps=1', 'max_length=96', ...keys]),
  ).rejects.toThrow(`eval_dataset: no row of ${path} is left in max_length=96`);
  expect(existsSync(join(dir, 'held'))).toBe(false);
});

test('a reference that moves begins where reference_policy says', async () => {
  const adapter = ['lora.use_dora=true', 'lora.modules_to_save=[embed_tokens]'];
  await dpo('adapter', [...adapter, 'max_steps=3', 'learning_rate=1e-2', 'warmup_steps=0']);
  const onward = [`model=${join(dir, 'adapter')}`, 'max_steps=1'];
  const first = async (name: string, ...keys: string[]) => {
    await dpo(name, [...onward, ...keys]);
    return rowsOf(name)[0]!;
  };
  const base = await first('of-base', 'reference_policy=base');
  const moving = await first('from-base', 'reference_policy=base', 'sync_ref_model=true');
  const own = await first('from-own', 'sync_ref_model=true');
  expect(Math.abs((base.loss as number) - Math.LN2)).toBeGreaterThan(1e-3);
  expect(moving.loss).toBeCloseTo(base.loss as number, 5);
  expect(own.loss).toBeCloseTo(Math.LN2, 5);
});

test('grpo: further groups, one step ahead, a moving reference, held-out rows', async () => {
  const keys = [
    'max_steps=4',
    'dynamic_sampling=true',
    'max_staleness=1',
    'eval_samples=8',
    'eval.max_new_tokens=16',
    'eval_steps=2',
    'entropy_coef=0.01',
    'importance_sampling_level=sequence',
    'beta=0.05',
    'sync_ref_model=true',
    'ref_model_sync_steps=2',
    'ref_model_mixup_alpha=1',
    'multi_objective_aggregation=normalize_then_sum',
    'optim=lion_32bit',
  ];
  await grpo('options', keys);
  expect(said.join('\n')).toContain('8 rows held out');
  expect(column('options', 'staleness')).toEqual([0, 1, 1, 1]);
  // The reference becomes the policy after step 2: the KL divergence is 0 again in step 3.
  const kl = column('options', 'kl');
  expect(kl[1]).toBeGreaterThan(1e-6);
  expect(Math.abs(kl[2]!)).toBeLessThan(1e-6);
  expect(column('options', 'sampling/rounds')).toHaveLength(4);
  expect(column('options', 'eval/boxed_rate')).toEqual([0, 0]);
  const again: typeof grpo = (name, more) => grpo(name, [...keys, ...more]);
  expect(await watchable('options', again)).toContain('eval/reward');
  const groups = rowsOf('options', 'samples_by_group.jsonl');
  expect(groups).toHaveLength(16);
  expect(groups[0]).toMatchObject({ step: 1, responses: [{}, {}, {}, {}] });
  const samples = rowsOf('options', 'samples.jsonl');
  const learnt = samples.filter(({ replaced }) => replaced === undefined);
  expect(learnt).toHaveLength(64);
  const replaced = samples.filter((row) => row.replaced === true);
  expect(replaced.length).toBe(samples.length - 64);
  expect(replaced.length).toBeGreaterThan(0);
  expect(new Set(replaced.map(({ advantage }) => advantage))).toEqual(new Set([null]));
  // The metrics of a generation are those of its rows.
  const first = samples.filter(({ step }) => step === 1).map(({ reward }) => reward as number);
  expect(column('options', 'reward').slice(0, 1)).toBeAllclose([
    first.reduce((sum, reward) => sum + reward, 0) / first.length,
  ]);
});

test('grpo: held-out rows without room are left out, or cut, as those that are trained on', async () => {
  const path = join(dir, 'overlong.jsonl');
  const rows = readJsonl(join(dir, 'rows.jsonl'));
  const long = { ...rows[0], question: 'What is 3 + 4? '.repeat(60) };
  writeFileSync(path, toJsonl([rows[1], long, ...rows]));
  const data = [`dataset.path=${path}`, 'dataset.shuffle=false'];
  const keys = [...data, 'max_steps=1', 'eval_samples=4', 'eval.max_new_tokens=16'];
  said.length = 0;
  await grpo('overlong', [...keys, 'overlong_prompts=drop']);
  expect(said).toContain('evaluation: 1 of 4 rows left out: prompts too long');
  expect(said).toContain('evaluation: 3 rows, answers graded as numeric');
  await grpo('overlong', [...keys, 'overlong_prompts=left', 'overwrite=true']);
  expect(said).toContain('evaluation: 1 of 4 prompts cut at their beginning: too long');
});

test('grpo: groups may take the name of the completion rows, and no other name of the run', async () => {
  await grpo('named', ['max_steps=1', 'samples_filename=samples.jsonl']);
  const groups = rowsOf('named', 'samples.jsonl');
  expect(groups.every(({ responses }) => (responses as JsonRow[]).length === 4)).toBe(true);
  expect(groups).toHaveLength(4);
  const { outlines } = readRun(join(dir, 'named')).samples;
  expect(outlines).toHaveLength(16);
  expect(outlines.every(({ tokens }) => tokens > 0)).toBe(true);
  const renamed = grpo('named', ['max_steps=2', 'resume=auto']);
  await expect(renamed).rejects.toThrow(/samples_filename: the rows of this run so far are not/);
  for (const name of ['metrics.jsonl', 'run.json', 'completions.jsonl', 'model']) {
    const taken = grpo('taken', ['max_steps=1', `samples_filename=${name}`]);
    await expect(taken).rejects.toThrow(/samples_filename: .* is a name that the run uses itself/);
  }
  expect(readdirSync(dir)).not.toContain('taken');
});

test('grpo stops, and says why, when a reward fails on every completion', async () => {
  said.length = 0;
  const file = join(dir, 'broken.mjs');
  writeFileSync(file, 'export default () => { throw new Error("no column x"); };');
  const run = grpo('broken', [`rewards=[{name: mine, file: ${file}}]`, 'max_steps=2']);
  await expect(run).rejects.toThrow(/no completion could be graded: mine \(no column x\)/);
  expect(said).toContain('warning: reward mine failed (error): no column x');
  expect(said).toContain('warning: reward mine failed in 16 of 16 grades');
});

test('an adapter keeps its shape, and keys that ask for another are said to have no effect', async () => {
  const lora = ['use_lora=true', 'lora.r=2', 'learning_rate=1e-2', 'max_steps=1'];
  await sft('first', lora);
  said.length = 0;
  const other = ['lora.r=8', 'lora.lora_alpha=32', 'lora.target_modules=[q_proj]'];
  await runs.sft('onward', ['max_steps=1', ...other], join(dir, 'first'));
  const kept = said.filter((line) => line.includes('keeps its own shape'));
  expect(kept).toHaveLength(1);
  expect(kept[0]).toMatch(/not used: lora.r=8 \(it has 2\), lora.target_modules$/);
});

test('grpo stops when rewards never differ', async () => {
  // No completion of this format is ever right within one token.
  const run = grpo('equal', [
    'max_steps=9',
    'max_completion_length=1',
    'rewards=[{name: correctness}]',
    'max_equal_rewards=3',
  ]);
  await expect(run).rejects.toThrow(GuardError);
  await expect(run).rejects.toThrow(/equal_rewards: in 3 generations/);
  expect(rowsOf('equal')).toHaveLength(2);
});

test('a learning rate that is lost in rounding stops the run', async () => {
  const run = sft('rounded', ['max_steps=3', 'learning_rate=1e-30']);
  await expect(run).rejects.toThrow(/unchanged_parameters at step 1/);
});

describe('eval.grader_file', () => {
  /** In the form of `name`.json. */
  const graderFile = (name: string, grader: object): string => {
    const path = join(dir, `${name}.json`);
    writeFileSync(path, JSON.stringify(grader));
    return path;
  };
  const both = { input: '{{sample.output_text}}', reference: '{{item.answer}}' };
  const evaluated = (file: string) => [
    ...[`eval.dataset.path=${join(dir, 'rows.jsonl')}`, 'eval.dataset.num_samples=4'],
    ...['eval.max_new_tokens=8', `eval.grader_file=${file}`, 'max_steps=2'],
  ];
  const judge = () => [
    ...[`judge.model_path=${tiny.base}`, 'judge.prompt_template={prompt}'],
    ...['judge.max_new_tokens=24', 'judge.cache_dir=null'],
  ];
  const judgeFile = () =>
    graderFile('judge', {
      type: 'score_model',
      name: 'judge',
      model: 'local',
      range: [1, 2],
      pass_threshold: 1,
      input: [{ role: 'user', content: '{{sample.output_text}}:' }],
    });
  const openings = () => said.splice(0).filter((line) => line.startsWith('judge: ')).length;

  test('decides what is correct, while sft trains and at its end', async () => {
    const file = graderFile('differs', { type: 'string_check', operation: 'ne', ...both });
    const results = await sft('graded', [...evaluated(file), 'eval_steps=1']);
    // an untrained decoder's 8 tokens are no answer, which is what the grader asks for
    expect(results).toMatchObject({ accuracy: 1, mean_score: 1, status_ok: 4, ungraded: 0 });
    expect(column('graded', 'eval/accuracy')).toEqual([1, 1]);
    expect(column('graded', 'eval/score')).toEqual([1, 1]);
  });

  test('asks a model here, that leaves its memory to training where nothing is evaluated then', async () => {
    openings();
    const results = await dpo('judged', [...evaluated(judgeFile()), ...judge()]);
    expect(results).toMatchObject({ status_ok: 4, accuracy: 1, judge_requests: 4 });
    expect(openings()).toBe(2);
    expect(judgeModels.size).toBe(0);
  });

  test('shares it with the rewards of grpo, where both ask for the same one', async () => {
    openings();
    const rewards = `rewards=[{name: judged, grader: ${judgeFile()}}]`;
    const keys = [...evaluated(judgeFile()), ...judge(), rewards, 'eval_steps=2'];
    const results = await grpo('shared', keys);
    expect(results).toMatchObject({ status_ok: 4, judge_requests: 4 });
    expect(openings()).toBe(1);
    expect(judgeModels.size).toBe(0);
    // the counts of the rewards are those of the rewards alone: 16 completions a step
    expect(column('shared', 'judge/requests')).toEqual([16, 32]);
  });

  test.each([
    ['none.json', null, /none\.json/],
    ['bad.json', { type: 'string_chek' }, /bad\.json: .*string_chek/],
    ['judge.json', 'judge', /judge\.base_url|OPENAI_BASE_URL/],
  ])('%s is refused before anything is written', async (name, grader, message) => {
    const file = grader === 'judge' ? judgeFile() : join(dir, name);
    if (typeof grader === 'object' && grader !== null) graderFile('bad', grader);
    await expect(sft('refused', evaluated(file))).rejects.toThrow(message);
    expect(existsSync(join(dir, 'refused'))).toBe(false);
  });
});
