/**
 * configs/coherence/smoke.yaml by one command with small counts: every file by its name, with its contents.
 * Learning is not looked for here. Skips without the rows of GSM8K Platinum in LORIKEET_DATA.
 */
import { existsSync, readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadRows } from '../../src/data/index.js';
import type { JsonRow } from '../../src/util/files.js';
import { filesIn } from '../support/files-in.js';
import { hasData, NEEDS_DATA } from '../support/real-data.js';
import { temporaryFolder } from '../support/temporary.js';
import { call, type Outcome } from './command-line.js';

const { dir: root, at, json, jsonl, csv } = filesIn(temporaryFolder());

/** Sums up to 4 + 4, which a few steps learn in part. */
const SMALL = [
  ...[
    'vars.seed=7',
    'vars.questions=24',
    'vars.held_out=8',
    'vars.eval_samples=8',
    'vars.platinum_samples=4',
  ],
  ...['stages.arithmetic.train_samples=300', 'stages.arithmetic.valid_samples=8'],
  ...['stages.arithmetic.test_samples=8', 'stages.arithmetic.arithmetic.max_operand=4'],
  ...['stages.base.max_steps=60', 'stages.base.eval_steps=60', 'stages.sft.max_steps=2'],
  ...['coherence', 'bandit', 'reward_dpo'].map((stage) => `stages.${stage}.max_steps=2`),
];
const ARMS = ['greedy', 'cool', 'nucleus', 'min_p', 'plain', 'hot', 'line', 'mark'];

describe.skipIf(!hasData())(`configs/coherence/smoke.yaml ${NEEDS_DATA}`, () => {
  let outcome: Outcome;
  beforeAll(async () => {
    const words = ['run', 'configs/coherence/smoke.yaml', `root=${root}`, ...SMALL];
    outcome = await call(words);
  }, 600_000);

  it('runs to its end', () => {
    expect(outcome.code, outcome.err.join('\n')).toBe(0);
    expect(existsSync(at('report.html'))).toBe(true);
  });

  it('has eight trajectories a question, one an arm, with the columns of the file', () => {
    const rows = jsonl('data', 'abel_regime_w_rollouts.jsonl');
    expect(rows).toHaveLength(24 * 8);
    for (let i = 0; i < rows.length; i += 8) {
      expect(rows.slice(i, i + 8).map(({ arm }) => arm)).toEqual(ARMS);
      expect(new Set(rows.slice(i, i + 8).map(({ question }) => question)).size).toBe(1);
    }
    for (const row of rows) {
      const { full_text: text, answer, reasoning, num_tokens: tokens, reward, correct } = row;
      expect([typeof text, typeof reasoning, typeof correct]).toEqual([
        'string',
        'string',
        'boolean',
      ]);
      if (answer !== null) expect(text).toMatch(/<SOLUTION>.*<.SOLUTION>/s);
      const wm = 0.4 * (row.s_end as number) + 0.3 * (row.s_path as number);
      expect(row.s_wm).toBeCloseTo(wm + 0.3 * (row.s_cf as number), 12);
      const expected = Number(correct) + 0.5 * (row.s_wm as number) - (tokens as number) / 480;
      expect(reward).toBeCloseTo(expected, 12);
    }
  });

  it('pairs correct with incorrect, then high with low coherence among the correct', () => {
    const rows = jsonl('data', 'abel_regime_w_rollouts.jsonl');
    const of = (question: unknown, text: unknown) =>
      rows.filter((row) => row.question === question && row.full_text === text);
    const pairs = jsonl('data', 'abel_coherence_preferences.jsonl');
    expect(new Set(pairs.map(({ pair_type: type }) => type))).toEqual(
      new Set(['correctness', 'coherence']),
    );
    for (const { question, chosen, rejected, pair_type: type } of pairs) {
      const [better, worse] = [of(question, chosen), of(question, rejected)];
      expect(better.every(({ correct }) => correct === true)).toBe(true);
      expect(worse.every(({ correct }) => correct === (type === 'coherence'))).toBe(true);
      if (type !== 'coherence') continue;
      const highest = Math.max(...better.map(({ s_wm: score }) => score as number));
      const lowest = Math.min(...worse.map(({ s_wm: score }) => score as number));
      expect(highest - lowest).toBeGreaterThan(0.1);
    }
    const plain = jsonl('ablation', 'preferences.jsonl');
    expect(new Set(plain.map(({ pair_type: type }) => type))).toEqual(new Set(['reward']));
  });

  it('trains DPO from base and SFT adapter', () => {
    for (const name of ['abel_sft_lora', 'abel_coherence_lora']) {
      expect(readdirSync(at('checkpoints', name, 'model'))).toContain('adapter_model.safetensors');
      const adapter = json('checkpoints', name, 'model', 'adapter_config.json');
      expect(adapter.base_model_name_or_path).toBe(at('base', 'model'));
    }
    const { config } = json('checkpoints', 'abel_coherence_lora', 'run.json');
    expect(config).toMatchObject({ model: at('checkpoints', 'abel_sft_lora'), seed: 7 });
  });

  it('evaluates both on the same rows of Platinum, one row an example, and compares them', async () => {
    const { rows } = await loadRows('gsm8k-platinum', { split: 'test' });
    const golds = new Map(rows.map(({ question, answer }) => [question, answer]));
    const [sft, coherence] = ['sft', 'coherence'].map((name) =>
      jsonl('outputs', `abel_${name}_platinum_eval.jsonl`),
    ) as [JsonRow[], JsonRow[]];
    for (const row of [...sft, ...coherence]) expect(row.gold).toBe(golds.get(row.question));
    expect(sft.map(({ question }) => question)).toEqual(coherence.map(({ question }) => question));
    expect(sft).toHaveLength(4);
    for (const name of ['accuracy.csv', 'platinum.csv', 'coherent_share.csv', 'bandit_share.csv']) {
      const paired = csv(name).find(({ kind }) => kind === 'paired');
      expect(Object.keys(paired ?? {})).toEqual(
        expect.arrayContaining(['difference', 'difference_low', 'difference_high', 'p_value']),
      );
    }
  });

  it('deals the same budget by the bandit, and saves its posterior', () => {
    const uniform = json('data', 'abel_regime_w_rollouts.jsonl.stats.json');
    const dealt = json('bandit', 'rollouts.jsonl.stats.json');
    expect(dealt.completions).toBe(uniform.completions);
    const { policy, arms } = json('bandit', 'rollouts.jsonl.bandit.json');
    expect(policy).toBe('thompson');
    const pulls = Object.values(arms as Record<string, { pulls: number }>).map((arm) => arm.pulls);
    expect(pulls.reduce((sum, count) => sum + count, 0)).toBe(24 * 8);
  });
});
