/** `lorikeet completion` */
import { completionSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';
import { completionScript } from '../completion-script.js';
import { thisProgram } from '../launch.js';

export const completion = defineCommand({
  name: 'completion',
  summary: 'Print the script that completes commands, keys and values by Tab in bash and zsh',
  schema: completionSchema,
  examples: ['lorikeet completion'],
  plan: () => ['prints a script'],
  run: async () => completionScript(thisProgram()),
  print: (script) => script,
});
