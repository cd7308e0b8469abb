/** `rollouts` on a tiny checkpoint: rows and statistics, going on after a stop, posteriors of earlier runs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { loadConfig, rolloutsSchema } from '../../../src/config/index.js';
import { partOf } from '../../../src/recipes/outputs/row-store.js';
import { runRollouts } from '../../../src/recipes/rollouts.js';
import { type JsonRow, toJsonl } from '../../../src/util/files.js';
import { SILENT } from '../../support/context.js';
import { filesIn } from '../../support/files-in.js';
import { temporaryFolder } from '../../support/temporary.js';
import { tinyTraining, withOtherEnds } from '../../support/tiny-training.js';

const { dir, at, json, jsonl } = filesIn(temporaryFolder());
const tiny = tinyTraining(dir);
const keys = [
  ...[...tiny.keys, `model=${tiny.base}`, 'dataset.num_samples=6', 'max_new_tokens=8'],
  ...['trajectories=4', 'questions_per_update=2', 'perturbations=[rename,distractor]'],
  'rollout_precision=float32',
  `arms=${JSON.stringify([
    { name: 'greedy', temperature: 0 },
    { name: 'plain', temperature: 1 },
    { name: 'asked', temperature: 1, prefix: 'Q: ', suffix: ' A: ' },
  ])}`,
];

const run = (name: string, ...words: string[]) => {
  const overrides = [...keys, `output=${at(name)}`, ...words];
  return runRollouts(loadConfig(rolloutsSchema, { overrides }), SILENT);
};

const withoutScores = ({ reward, s_end, s_path, s_cf, s_wm, coherent_correct, ...row }: JsonRow) =>
  row;

describe('rollouts', () => {
  it('writes a row for each trajectory, and statistics that follow from the rows', async () => {
    const { output: _, bandit_file: __, ...stats } = await run('uniform.jsonl');
    const rows = jsonl('uniform.jsonl');
    expect(rows).toHaveLength(24);
    expect(rows.slice(0, 4).map(({ arm }) => arm)).toEqual(['greedy', 'plain', 'asked', 'plain']);
    for (const row of rows) {
      const [end, path, cf] = [row.s_end, row.s_path, row.s_cf] as [number, number, number];
      expect(row.s_wm).toBeCloseTo(0.4 * end + 0.3 * path + 0.3 * cf, 12);
      const correct = row.correct === true ? 1 : 0;
      const reward = correct + 0.5 * (row.s_wm as number) - (0.1 * (row.num_tokens as number)) / 8;
      expect(row.reward).toBeCloseTo(reward, 12);
      expect(row.perturbed_answers).toHaveLength(2);
    }
    expect(stats).toEqual(json('uniform.jsonl.stats.json'));
    expect(stats).toMatchObject({ questions: 6, trajectories: 24, completions: 72, ungraded: 0 });
    expect(stats.arms.greedy).toMatchObject({ pulls: 6, posterior_pulls: 6 });
  });

  it('goes on after a stop with the same rows and the same posterior', async () => {
    await run('whole.jsonl', 'bandit=thompson');
    const whole = readFileSync(at('whole.jsonl'), 'utf8');
    // What a process leaves that was killed in its second round: its rows have no scores yet.
    const rows = jsonl('whole.jsonl').slice(0, 11);
    const left = rows.map((row, i) => (i < 8 ? row : withoutScores(row)));
    writeFileSync(partOf(at('stopped.jsonl')), toJsonl(left));
    await expect(run('stopped.jsonl', 'bandit=thompson')).rejects.toThrow(/did not finish/);
    await run('stopped.jsonl', 'bandit=thompson', 'resume=auto');
    expect(readFileSync(at('stopped.jsonl'), 'utf8')).toBe(whole);
    expect(json('stopped.jsonl.bandit.json')).toEqual(json('whole.jsonl.bandit.json'));
    const other = run('stopped.jsonl', 'bandit=ucb', 'resume=auto');
    await expect(other).rejects.toThrow(/with other settings/);
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1');
    const device = run('stopped.jsonl', 'bandit=thompson', 'resume=auto', 'rollout_device=cuda');
    await expect(device).rejects.toThrow(/with other settings/);
    vi.unstubAllEnvs();
    const ends = `model=${withOtherEnds(at('base'), at('ends'))}`;
    const endless = run('stopped.jsonl', 'bandit=thompson', 'resume=auto', ends);
    await expect(endless).rejects.toThrow(/with other settings/);
  });

  it('starts from the posterior of an earlier run, of the same arms only', async () => {
    const first = await run('first.jsonl', 'bandit=ucb');
    const second = await run('second.jsonl', 'bandit=ucb', `bandit_from=${first.bandit_file}`);
    const pulls = Object.values(second.arms).map(({ posterior_pulls: all }) => all);
    expect(pulls.reduce((sum, count) => sum + count, 0)).toBe(48);
    const arms = 'arms=[{"name":"greedy","temperature":0.5}]';
    const others = run('third.jsonl', `bandit_from=${first.bandit_file}`, arms);
    await expect(others).rejects.toThrow(/knows an arm "plain"/);
    const judged = run('third.jsonl', `bandit_from=${first.bandit_file}`, 'bandit_reward=correct');
    await expect(judged).rejects.toThrow(/judged by reward, not by correct/);
  });

  it('refuses rows without a question, and arms that cannot fill the trajectories', async () => {
    writeFileSync(at('bare.jsonl'), toJsonl([{ problem: '1 + 1' }]));
    const bare = run('bare-out.jsonl', `dataset.path=${at('bare.jsonl')}`);
    await expect(bare).rejects.toThrow(/bare\.jsonl:1: no column "question"/);
    const greedy = 'arms=[{"name":"greedy","temperature":0}]';
    expect(() => run('x.jsonl', greedy)).toThrow(
      /a greedy arm gives one text: 1 arm for 4 trajectories/,
    );
  });
});
