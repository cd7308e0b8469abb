/** `lorikeet sft`: supervised fine-tuning. */
import { z } from 'zod';
import { datasetSchema, requireRows } from './dataset.js';
import {
  nonNegative,
  off,
  on,
  optionalInput,
  orNull,
  positive,
  text,
  whole,
  within,
} from './fields.js';
import { stageKey } from './groups.js';
import { inTurn } from './in-turn.js';
import { issueAt } from './issue-at.js';
import { checkTrainer, trainerKeys } from './training.js';

type Source = Parameters<typeof requireRows>[0];

interface SourceKeys {
  readonly traces_file: string | null;
  readonly dataset: Source;
  readonly datasets: readonly { readonly dataset: Source }[];
}

function checkSources(config: SourceKeys, context: z.RefinementCtx): void {
  const { dataset, datasets } = config;
  for (const part of datasets) requireRows(part.dataset, context);
  const isNamed = dataset.name !== null || dataset.path !== null || config.traces_file !== null;
  if (datasets.length > 0 && isNamed) {
    issueAt(context)(
      'datasets',
      'given beside dataset or traces_file. Put all of them into the list',
    );
  }
  if (datasets.length === 0 && config.traces_file === null) requireRows(dataset, context);
}

const DEFAULTS = { learningRate: 2e-5, loraDropout: 0.05 };

export const sftSchema = z
  .strictObject({
    ...trainerKeys(DEFAULTS),
    stage: stageKey('full'),
    traces_file: optionalInput(
      'JSONL of {question, answer} traces, whose rows dataset then picks from',
    ),
    answer_format: z
      .enum(['tags', 'boxed'])
      .default('tags')
      .describe('Problems with a worked solution: in the four tags, or as it is with \\boxed{}'),
    mask_tool_output: off('Leave ```output blocks (what a tool printed) out of the loss'),
    datasets: z
      .array(
        z.strictObject({
          dataset: datasetSchema().describe('Rows of this part'),
          weight: positive().default(1).describe('Relative share of the mixture'),
        }),
      )
      .default([])
      .describe('Several data sets, mixed by weight, in place of dataset'),
    assistant_only_loss: on(
      'Of messages learn the turns of roles_to_train; false learns all tokens',
    ),
    completion_only_loss: orNull(
      z.boolean(),
      'Rows with a prompt: nothing of it is learnt; false learns it like the completion',
    ),
    roles_to_train: z
      .array(text())
      .default(['assistant'])
      .describe('Roles whose turns are learnt, the assistant among them'),
    loss_type: z
      .enum(['nll', 'dft'])
      .meta({ same: { chunked_nll: 'nll' } })
      .default('nll')
      .describe('Negative log-likelihood, or the same weighed by the probability (dft)'),
    label_smoothing_factor: within(0, 0.99)
      .default(0)
      .describe('Share of the target spread over the vocabulary (nll)'),
    neftune_noise_alpha: nonNegative()
      .meta({ same: { null: 0 } })
      .default(0)
      .describe('Scale of the uniform noise on embeddings in training; 0 is off'),
    max_length: whole(2).default(1024).describe('Longest sequence, tokens'),
    packing: off('Fill max_length with several rows, kept apart; batch sizes then count packs'),
    excess_length_strategy: z
      .enum(['truncate', 'drop', 'error'])
      .default('truncate')
      .describe('Longer sequences: keep their beginning, leave them out, or stop'),
  })
  .superRefine(inTurn(checkTrainer(DEFAULTS), checkSources))
  .superRefine((config, context) => {
    const issue = issueAt(context);
    if (config.loss_type === 'dft' && config.label_smoothing_factor > 0) {
      issue(
        'label_smoothing_factor',
        `${config.label_smoothing_factor}, but dft has no smoothing. Use loss_type=nll`,
      );
    }
    if (!config.roles_to_train.includes('assistant')) {
      issue('roles_to_train', 'without the assistant, whose turns the model is to write. Add it');
    }
  });

export type SftConfig = z.output<typeof sftSchema>;
