/** What the memory plan counts of `sft`. */
import type { SftConfig } from '../../config/index.js';
import type { TrainingSize } from '../memory/training-size.js';

export const sftSize: TrainingSize<SftConfig> = {
  comparesWithReference: () => false,
  shape: ({ per_device_train_batch_size: rows, max_length: longest }) => ({ rows, longest }),
  usualLength: ({ packing, max_length }, mean) => (packing ? max_length : mean),
};
