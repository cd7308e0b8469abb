/** Keys of what a trainer reports and where to, under the names of transformers' TrainingArguments. */
import { z } from 'zod';
import { TRACKERS } from '../../util/tracker-names.js';
import { off, optionalPath, optionalText, whole } from './fields.js';

export const reportingKeys = {
  report_to: z
    .union([z.enum([...TRACKERS, 'none']), z.array(z.enum(TRACKERS))])
    .default('tensorboard')
    .describe(
      'Trackers beside the run folder: tensorboard, wandb, mlflow (one or a list), or none',
    ),
  logging_steps: whole(1)
    .default(10)
    .describe(
      'Steps between rows sent to report_to and verbose lines; metrics.jsonl has every step',
    ),
  logging_dir: optionalPath(
    'Folder of TensorBoard event files; null is tensorboard/ in the run folder',
  ),
  wandb_project: optionalText(
    'Project in Weights & Biases, adds wandb to report_to; null: WANDB_PROJECT, else lorikeet',
  ),
  wandb_name: optionalText('Name of the run in trackers; null is run_name, else the run id'),
  verbose: off('The same as --verbose: all metrics on the console'),
};
