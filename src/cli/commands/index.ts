/** Every command, in the order of `lorikeet --help`. */
import type { Command } from '../command.js';
import { bench } from './bench.js';
import { chat } from './chat.js';
import { compare } from './compare.js';
import { completion } from './completion.js';
import { data } from './data.js';
import { doctor } from './doctor.js';
import { dpo } from './dpo.js';
import { evaluate } from './eval.js';
import { exportModel } from './export.js';
import { factorize } from './factorize.js';
import { generate } from './generate.js';
import { grade } from './grade.js';
import { grpo } from './grpo.js';
import { initModel } from './init-model.js';
import { job } from './job.js';
import { openai } from './openai.js';
import { pairs } from './pairs.js';
import { predict } from './predict.js';
import { quickstart } from './quickstart.js';
import { rollouts } from './rollouts.js';
import { run } from './run.js';
import { score } from './score.js';
import { serve } from './serve.js';
import { setup } from './setup.js';
import { sft } from './sft.js';
import { solve } from './solve.js';
import { sweep } from './sweep.js';
import { tinker } from './tinker.js';
import { traces } from './traces.js';

export const commands: readonly Command[] = [
  quickstart,
  setup,
  doctor,
  initModel,
  data,
  sft,
  grpo,
  dpo,
  generate,
  chat,
  serve,
  score,
  grade,
  evaluate,
  predict,
  solve,
  factorize,
  compare,
  traces,
  rollouts,
  pairs,
  exportModel,
  openai,
  tinker,
  job,
  run,
  sweep,
  bench,
  completion,
];
