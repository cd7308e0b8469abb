/** `lorikeet doctor` */
import { doctorSchema } from '../../config/index.js';
import { SetupError } from '../../util/errors.js';
import { defineCommand } from '../command.js';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'What this machine has and what will be used, each line with a remedy',
  schema: doctorSchema,
  examples: ['lorikeet doctor', 'lorikeet doctor --json'],
  plan: (config) => [`checks the runtimes for device ${config.device}`],
  run: async (config) => (await import('../../recipes/doctor.js')).runDoctor(config),
  print: async (report) => (await import('../../recipes/doctor.js')).doctorText(report),
  verify: ({ checks }) => {
    const broken = checks.filter(({ status }) => status === 'broken').map(({ name }) => name);
    if (broken.length > 0) throw new SetupError(`not usable as it is: ${broken.join(', ')}`);
  },
});
