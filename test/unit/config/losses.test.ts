/** What the keys of a loss may not say together. */
import { describe, expect, it } from 'vitest';
import {
  type ConfigSchema,
  dpoSchema,
  grpoSchema,
  loadConfig,
  sftSchema,
} from '../../../src/config/index.js';
import { PAIR_TERMS } from '../../../src/losses/preference-terms.js';
import { InputError } from '../../../src/util/errors.js';
import { refusalOf } from '../../support/failures.js';

const base = ['model=m', 'dataset=gsm8k'];

const refusal = (schema: ConfigSchema, ...keys: string[]): string =>
  refusalOf(InputError, () => loadConfig(schema, { overrides: [...base, ...keys] }));

describe('dpo', () => {
  const list = (...types: string[]) => `loss_type=${JSON.stringify(types)}`;

  it('knows every loss on pairs', () => {
    for (const type of Object.keys(PAIR_TERMS)) {
      const smoothing = type === 'exo_pair' ? 0.1 : 0;
      const keys = [`loss_type=${type}`, `label_smoothing=${smoothing}`];
      expect(refusal(dpoSchema, ...keys)).toBe('accepted');
    }
    expect(refusal(dpoSchema, 'loss_type=sigmod')).toMatch(/loss_type/);
  });

  it('takes lists with one weight each', () => {
    const keys = [list('sigmoid', 'sft'), 'loss_weights=[1, 0.2]'];
    expect(loadConfig(dpoSchema, { overrides: [...base, ...keys] })).toMatchObject({
      loss_type: ['sigmoid', 'sft'],
      loss_weights: [1, 0.2],
    });
    expect(refusal(dpoSchema, list('sigmoid', 'sft'), 'loss_weights=[1]')).toMatch(
      /1 weight for 2 losses/,
    );
    expect(refusal(dpoSchema, list('sigmoid', 'sigmoid'))).toMatch(/listed twice/);
    expect(refusal(dpoSchema, list('kto', 'sft'))).toMatch(/kto is a loss of single answers/);
  });

  it('takes other divergences where a loss reads them', () => {
    const forward = 'f_divergence_type=forward_kl';
    expect(refusal(dpoSchema, list('hinge', 'sft'), forward)).toBe('accepted');
    expect(refusal(dpoSchema, 'loss_type=nca_pair', 'f_divergence_type=reverse_kl')).toBe(
      'accepted',
    );
    for (const type of ['nca_pair', 'simpo', 'kto']) {
      expect(refusal(dpoSchema, `loss_type=${type}`, forward)).toMatch(
        new RegExp(`f_divergence_type: ${type} does not read it, sigmoid, .* does`),
      );
    }
  });

  it('takes ld_alpha where pairs are compared with a reference', () => {
    expect(refusal(dpoSchema, list('ipo', 'sft'), 'ld_alpha=0.5')).toBe('accepted');
    for (const type of ['simpo', 'cpo', 'orpo', 'kto', 'apo_zero_unpaired']) {
      expect(refusal(dpoSchema, `loss_type=${type}`, 'ld_alpha=0.5')).toMatch(
        new RegExp(`ld_alpha: ${type} does not read it, sigmoid, .* does`),
      );
    }
    expect(refusal(dpoSchema, 'ld_alpha=1.5')).toMatch(/ld_alpha/);
  });

  it('asks for a smoothing that the loss can use', () => {
    expect(refusal(dpoSchema, 'loss_type=robust', 'label_smoothing=0.5')).toMatch(/robust/);
    expect(refusal(dpoSchema, 'loss_type=exo_pair')).toMatch(/exo_pair infinite/);
    expect(refusal(dpoSchema, 'loss_type=simpo', 'label_smoothing=0.1')).toBe('accepted');
    expect(refusal(dpoSchema, 'loss_type=ipo', 'label_smoothing=0.1')).toMatch(
      /ipo does not read it/,
    );
  });

  it.each([
    ['loss_type=kto', 'loss_weights=[0.5]', 'loss_weights: kto does not read it, sigmoid, '],
    ['loss_type=apo_zero_unpaired', 'loss_weights=[1]', 'loss_weights: apo_zero_unpaired does not'],
    [list('sigmoid', 'sft'), 'simpo_gamma=1', 'sigmoid, sft does not read it, simpo does. Leave'],
    ['loss_type=sigmoid', 'discopop_tau=0.1', 'discopop_tau: sigmoid does not read it'],
    ['loss_type=sigmoid', 'desirable_weight=2', 'sigmoid does not read it, kto, apo_zero_unpaired'],
    ['loss_type=ipo', 'undesirable_weight=2', 'undesirable_weight: ipo does not read it'],
    [
      'loss_type=sigmoid',
      'f_alpha_divergence_coef=2',
      'f_alpha_divergence_coef: reverse_kl does not',
    ],
    ['loss_type=orpo', 'cpo_alpha=0.5', 'cpo_alpha: orpo does not read it, cpo does. Leave it out'],
    ['loss_type=sigmoid', 'cpo_alpha=0', 'cpo_alpha: sigmoid does not read it, cpo does.'],
    ['loss_type=simpo', 'cpo_alpha=0.5', 'Use loss_type=[simpo,sft] loss_weights=[1,<cpo_alpha>]'],
  ])('%s refuses %s, which would do nothing', (type, key, said) => {
    expect(refusal(dpoSchema, type, key)).toContain(said);
  });

  it.each([
    [list('sigmoid', 'simpo'), 'simpo_gamma=1'],
    ['loss_type=discopop', 'discopop_tau=0.1'],
    ['loss_type=kto', 'desirable_weight=2'],
    ['loss_type=apo_zero_unpaired', 'undesirable_weight=2'],
    ['loss_type=cpo', 'cpo_alpha=0.5'],
    ['loss_type=simpo', 'cpo_alpha=0'],
    ['f_divergence_type=alpha_divergence', 'f_alpha_divergence_coef=2'],
  ])('%s takes %s', (type, key) => {
    expect(refusal(dpoSchema, type, key)).toBe('accepted');
  });

  it('asks for two answers in a step of kto, as TRL does', () => {
    const one = ['per_device_train_batch_size=1', 'gradient_accumulation_steps=1'];
    expect(refusal(dpoSchema, 'loss_type=kto', ...one)).toMatch(/there is one. Use 2 or more/);
    expect(refusal(dpoSchema, 'loss_type=kto', one[0]!, 'gradient_accumulation_steps=2')).toBe(
      'accepted',
    );
    expect(refusal(dpoSchema, 'loss_type=apo_zero_unpaired', ...one)).toBe('accepted');
  });

  it('asks for all pairs of a step of aot at once', () => {
    for (const type of ['loss_type=aot', list('sft', 'aot_unpaired')]) {
      expect(refusal(dpoSchema, type)).toBe('accepted');
      expect(refusal(dpoSchema, type, 'label_smoothing=0.1', 'ld_alpha=0.5')).toBe('accepted');
      expect(refusal(dpoSchema, type, 'gradient_accumulation_steps=2')).toMatch(
        /aot\w* sorts the pairs of a step, which are computed together. Use 1/,
      );
      expect(refusal(dpoSchema, type, 'per_device_train_batch_size=1')).toMatch(
        /aot\w* sorts the pairs of a step. Use 2 or more/,
      );
    }
  });

  it('asks for no reference that nothing compares with', () => {
    for (const key of ['sync_ref_model=true', 'precompute_ref_log_probs=true']) {
      expect(refusal(dpoSchema, key, list('simpo', 'sft'))).toMatch(
        /simpo, sft needs no reference/,
      );
      expect(refusal(dpoSchema, key, list('sigmoid', 'sft'))).toBe('accepted');
    }
    expect(refusal(dpoSchema, 'precompute_ref_log_probs=true', 'loss_type=kto')).toMatch(
      /kto scores it in each step/,
    );
  });
});

describe('a schedule', () => {
  const keys = (type: string, ...shape: string[]) => [
    ...[`lr_scheduler_type=${type}`, 'eval_steps=1', 'eval_dataset=rows.jsonl'],
    ...shape.map((key) => `lr_scheduler_kwargs.${key}`),
  ];

  it.each([
    ['reduce_lr_on_plateau', 'num_cycles=3', /num_cycles: reduce_lr_on_plateau does not read it, /],
    ['greedy', 'min_lr=1e-6', /lr_scheduler_type: .* Use reduce_lr_on_plateau with eval_steps/],
    ['linear', 'min_lr=1e-6', /min_lr: .*, reduce_lr_on_plateau, cosine_with_min_lr, .* does\./],
    [
      'cosine',
      'patience=2',
      /patience: cosine does not read it, reduce_lr_on_plateau does\. Leave/,
    ],
    ['warmup_stable_decay', 'lr_end=1e-6', /lr_end: .*, polynomial does\./],
  ])('%s refuses %s, which it would not read', (type, key, said) => {
    expect(refusal(sftSchema, ...keys(type, key))).toMatch(said);
  });

  it.each([
    ['reduce_lr_on_plateau', 'min_lr=1e-6', 'patience=0'],
    ['linear', 'patience=10'],
    ['cosine_warmup_with_min_lr', 'min_lr_rate=0.1', 'num_cycles=1', 'warmup_lr_rate=0.1'],
    ['warmup_stable_decay', 'num_decay_steps=4', 'decay_type=linear', 'min_lr_ratio=0.1'],
  ])('%s takes %s', (type, ...shape) => {
    expect(refusal(sftSchema, ...keys(type, ...shape))).toBe('accepted');
  });
});

describe('grpo', () => {
  it('asks cispo for its own bound', () => {
    expect(refusal(grpoSchema, 'loss_type=cispo')).toMatch(/epsilon_high/);
    expect(refusal(grpoSchema, 'loss_type=cispo', 'epsilon_high=5')).toBe('accepted');
  });

  it('keeps delta above the clip range', () => {
    expect(refusal(grpoSchema, 'delta=1.1')).toMatch(/not above 1 \+ epsilon_high = 1.2/);
    expect(refusal(grpoSchema, 'delta=2')).toBe('accepted');
    expect(refusal(grpoSchema, 'loss_type=luspo')).toMatch(/one ratio of a completion/);
    const level = 'importance_sampling_level=sequence';
    expect(refusal(grpoSchema, 'loss_type=luspo', level)).toBe('accepted');
    expect(refusal(grpoSchema, 'rollout_correction_floor=3')).toMatch(/not below/);
    expect(refusal(grpoSchema, 'rollout_correction_floor=0.5')).toBe('accepted');
    const unbound = 'vllm_importance_sampling_clip_max=null';
    expect(refusal(grpoSchema, unbound, 'rollout_correction_floor=3')).toBe('accepted');
    expect(refusal(grpoSchema, 'delta=2', 'loss_type=sapo')).toMatch(/sapo bounds ratios/);
    const cispo = ['loss_type=cispo', 'epsilon_high=5'];
    expect(refusal(grpoSchema, 'delta=7', ...cispo)).toMatch(/cispo bounds ratios/);
    expect(refusal(grpoSchema, 'sync_ref_model=true')).toMatch(/no reference to move/);
    expect(refusal(grpoSchema, 'sync_ref_model=true', 'beta=0.1')).toBe('accepted');
    expect(refusal(grpoSchema, 'loss_type=sapo', 'sapo_temperature_pos=0')).toMatch(/above|> 0/);
    expect(refusal(grpoSchema, 'loss_type=vespo')).toMatch(/loss_type: vespo .* Use sapo/);
  });
});

describe('sft', () => {
  it('smooths labels of the likelihood only', () => {
    expect(refusal(sftSchema, 'loss_type=dft', 'label_smoothing=0.1')).toMatch(/no smoothing/);
    expect(refusal(sftSchema, 'label_smoothing=0.1')).toBe('accepted');
  });

  it('knows the earlier name of nll', () => {
    const { loss_type: type } = loadConfig(sftSchema, {
      overrides: [...base, 'loss_type=chunked_nll'],
    });
    expect(type).toBe('nll');
  });
});
