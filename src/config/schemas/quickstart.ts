/** `lorikeet quickstart`: the whole job at tiny size, offline, on a CPU. */
import { z } from 'zod';
import { off, otherPath } from './fields.js';
import { machineKeys, seedKey } from './groups.js';

export const quickstartSchema = z.strictObject({
  output_dir: otherPath()
    .default('outputs/quickstart')
    .describe('Folder of all files; an old one is moved aside'),
  shuffle_rewards: off('Control: permute rewards among completions'),
  ...machineKeys,
  ...seedKey,
});

export type QuickstartConfig = z.output<typeof quickstartSchema>;
