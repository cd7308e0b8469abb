/** `lorikeet setup` */
import { setupSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';

export const setup = defineCommand({
  name: 'setup',
  summary: 'Install and verify the native runtimes',
  schema: setupSchema,
  examples: [
    'lorikeet setup',
    'lorikeet setup device=cpu',
    'lorikeet setup device=cuda without_gpu=true',
  ],
  plan: (config) => [
    `provides TensorFlow for device ${config.device}`,
    ...(config.python ? [`makes a Python with ${config.python_packages.join(', ')}`] : []),
  ],
  run: async (config, context) =>
    (await import('../../recipes/setup.js')).runSetup(config, context),
  print: () => null,
});
