/** LoRA keys under PEFT's names; the defaults are those of TRL's command line. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { off, positive, text, whole, within } from './fields.js';
import { issueAt } from './issue-at.js';

/** @param dropout default of `lora_dropout`: 0 where log-probabilities are compared (GRPO, DPO) */
export const loraSchema = (dropout: number) =>
  z
    .strictObject({
      r: whole(1).default(16).describe('Rank'),
      lora_alpha: positive().default(32).describe('Scale numerator: the update is alpha / r · BA'),
      lora_dropout: within(0, 0.95)
        .default(dropout)
        .describe('Dropout on the input of A in training'),
      target_modules: z
        .union([text(), z.array(text())])
        .default('all-linear')
        .describe('Module suffixes (list), a regular expression, or all-linear'),
      target_parameters: z
        .array(text())
        .default([])
        .describe(
          'Experts that get LoRA (lora_dropout=0), by ends of names: gate_up_proj, down_proj',
        ),
      exclude_modules: z
        .union([text(), z.array(text())])
        .default([])
        .describe('Modules left out of target_modules: suffixes (list) or a regular expression'),
      rank_pattern: z.record(text(), whole(1)).default({}).describe('Rank by module pattern'),
      alpha_pattern: z.record(text(), positive()).default({}).describe('Alpha by module pattern'),
      modules_to_save: z
        .array(text())
        .default([])
        .describe('Modules trained whole and saved with the adapter, by the ends of their names'),
      bias: z
        .enum(['none', 'all', 'lora_only'])
        .default('none')
        .describe('Biases that are trained: none, all, or those of modules with LoRA'),
      use_dora: off('DoRA: train the magnitudes of rows too'),
      init_lora_weights: z
        .union([z.boolean(), z.string().regex(/^(gaussian|pissa|pissa_niter_[1-9]\d*)$/)])
        .default(true)
        .describe('Start: true (B = 0), gaussian, pissa, pissa_niter_N, or false (A, B random)'),
      loraplus_lr_ratio: positive()
        .default(1)
        .describe('LoRA+: learning rate of B over that of A; 1 is plain'),
      use_rslora: off('Scale by alpha / √r in place of alpha / r'),
    })
    .prefault({});

export interface LoraKeys {
  readonly use_lora: boolean;
  readonly lora: z.output<ReturnType<typeof loraSchema>>;
}

/** Used with `superRefine`: where all weights are trained, a key of LoRA would do nothing. */
export const checkLora =
  (dropout: number) =>
  ({ use_lora, lora }: LoraKeys, context: z.RefinementCtx): void => {
    if (use_lora) return;
    const plain = loraSchema(dropout).parse({});
    for (const key of Object.keys(plain) as (keyof typeof plain)[]) {
      if (isDeepStrictEqual(lora[key], plain[key])) continue;
      const problem = 'use_lora=false trains all weights. Set use_lora=true, or leave it out';
      issueAt(context)(['lora', key], problem);
    }
  };
