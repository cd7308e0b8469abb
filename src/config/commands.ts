/** Schema of each command whose config is flat keys; pipelines name their stages' commands from it. */
import type { ConfigSchema } from './introspect.js';
import { compareSchema } from './schemas/compare.js';
import { dataSchema } from './schemas/data.js';
import { dpoSchema } from './schemas/dpo.js';
import { evalSchema } from './schemas/eval.js';
import { exportSchema } from './schemas/export.js';
import { factorizeSchema } from './schemas/factorize.js';
import { generateSchema } from './schemas/generate.js';
import { gradeSchema } from './schemas/grade.js';
import { grpoSchema } from './schemas/grpo.js';
import { initModelSchema } from './schemas/init-model.js';
import { jobSchema } from './schemas/job.js';
import { openaiSchema } from './schemas/openai.js';
import { pairsSchema } from './schemas/pairs.js';
import { predictSchema } from './schemas/predict.js';
import { quickstartSchema } from './schemas/quickstart.js';
import { rolloutsSchema } from './schemas/rollouts.js';
import { scoreSchema } from './schemas/score.js';
import { doctorSchema, setupSchema } from './schemas/setup.js';
import { sftSchema } from './schemas/sft.js';
import { solveSchema } from './schemas/solve.js';
import { tinkerSchema } from './schemas/tinker.js';
import { tracesSchema } from './schemas/traces.js';

export const commandSchemas = {
  setup: setupSchema,
  doctor: doctorSchema,
  'init-model': initModelSchema,
  data: dataSchema,
  sft: sftSchema,
  grpo: grpoSchema,
  dpo: dpoSchema,
  generate: generateSchema,
  score: scoreSchema,
  grade: gradeSchema,
  eval: evalSchema,
  predict: predictSchema,
  solve: solveSchema,
  factorize: factorizeSchema,
  compare: compareSchema,
  traces: tracesSchema,
  rollouts: rolloutsSchema,
  pairs: pairsSchema,
  export: exportSchema,
  openai: openaiSchema,
  tinker: tinkerSchema,
  job: jobSchema,
  quickstart: quickstartSchema,
} as const satisfies Record<string, ConfigSchema>;

export type CommandName = keyof typeof commandSchemas;
