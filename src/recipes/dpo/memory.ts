/** What the memory plan counts of `dpo`: a pair is two sequences, an answer one. */
import { type DpoConfig, takesAnswers } from '../../config/index.js';
import { type DpoLossType, needsReference } from '../../losses/index.js';
import type { TrainingSize } from '../memory/training-size.js';

/** Of pairs. */
export const lossTypes = ({ loss_type }: DpoConfig) => [loss_type].flat() as DpoLossType[];

export const dpoSize: TrainingSize<DpoConfig> = {
  comparesWithReference: (config) => takesAnswers(config) || needsReference(lossTypes(config)),
  shape: (config) => {
    const { per_device_train_batch_size: rows, max_length: longest } = config;
    return { rows: takesAnswers(config) ? rows : 2 * rows, longest };
  },
};
