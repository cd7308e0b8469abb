/** What the memory plan counts of `dpo`: a pair is two sequences, an answer one. */
import { compares, type DpoConfig, takesAnswers } from '../../config/index.js';
import type { TrainingSize } from '../memory/training-size.js';

export const dpoSize: TrainingSize<DpoConfig> = {
  comparesWithReference: compares,
  shape: (config) => {
    const { per_device_train_batch_size: rows, max_length: longest } = config;
    return { rows: takesAnswers(config) ? rows : 2 * rows, longest };
  },
};
