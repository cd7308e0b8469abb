/** `lorikeet grade` */
import { gradeSchema } from '../../config/index.js';
import { verifyGrade } from '../../recipes/grade/results.js';
import { defineCommand } from '../command.js';

export const grade = defineCommand({
  name: 'grade',
  summary: 'Run a grader (JSON) over rows, check it on reference answers, attack it',
  schema: gradeSchema,
  examples: [
    'lorikeet grade grader_file=grader.json input=rows.jsonl output=graded.jsonl',
    'lorikeet grade --validate',
    'lorikeet grade --stress grader_file=grader.json input=rows.jsonl',
  ],
  plan: (config) => [
    ...(config.validate ? ['checks that reference answers score full'] : []),
    ...(config.stress ? ['attacks the grader with answers that deserve nothing'] : []),
    ...(config.validate || config.stress
      ? []
      : [
          `grades ${config.input} by ${config.grader_file ?? 'the rewards'}`,
          `writes ${config.output ?? 'standard output'}`,
        ]),
  ],
  run: async (config, context) =>
    (await import('../../recipes/grade.js')).runGrade(config, context),
  print: (result, config) =>
    config.output === null && 'rows' in result ? null : JSON.stringify(result),
  verify: verifyGrade,
});
