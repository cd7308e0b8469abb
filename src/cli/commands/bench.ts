/** `lorikeet bench NAME`: one measurement, one JSON line. */
import {
  benchDpoSchema,
  benchGradeSchema,
  benchGrpoSchema,
  benchRolloutSchema,
  benchSchema,
  benchSftSchema,
} from '../../config/index.js';
import { InputError } from '../../util/errors.js';
import { nearest } from '../../util/nearest.js';
import { type Command, defineCommand } from '../command.js';

const rollout = defineCommand({
  name: 'rollout',
  summary: 'Tokens per second of batched sampling, random prompts and completions of full length',
  schema: benchRolloutSchema,
  examples: ['lorikeet bench rollout model=outputs/model batch=32'],
  plan: (config) => [
    `samples ${config.requests ?? config.batch} × ${config.num_generations} completions of up to ${config.max_new_tokens} tokens, ${config.repeats} times`,
  ],
  run: async (config, context) =>
    (await import('../../recipes/bench/rollout.js')).benchRollout(config, context),
});

const sft = defineCommand({
  name: 'sft',
  summary: 'Tokens per second of SFT with LoRA on random tokens',
  schema: benchSftSchema,
  examples: ['lorikeet bench sft model=outputs/model seq=512 batch=8'],
  plan: (config) => [`trains ${config.steps + 2} steps of ${config.batch} × ${config.seq} tokens`],
  run: async (config, context) =>
    (await import('../../recipes/bench/sft.js')).benchSft(config, context),
});

const grade = defineCommand({
  name: 'grade',
  summary: 'Grades per second of string, fuzzy, numeric and mathematical graders',
  schema: benchGradeSchema,
  examples: ['lorikeet bench grade'],
  plan: (config) => [`grades for ${config.seconds} s with each grader`],
  run: async (config, context) =>
    (await import('../../recipes/bench/grade.js')).benchGrade(config, context),
});

const dpo = defineCommand({
  name: 'dpo',
  summary: 'Tokens per second of DPO with LoRA on random pairs, the reference scored in each step',
  schema: benchDpoSchema,
  examples: ['lorikeet bench dpo model=outputs/model pairs=4'],
  plan: (config) => [`trains ${config.steps + 2} steps of ${config.pairs} pairs`],
  run: async (config, context) =>
    (await import('../../recipes/bench/dpo.js')).benchDpo(config, context),
});

const grpo = defineCommand({
  name: 'grpo',
  summary: 'Seconds of GRPO steps with LoRA: rollouts of full length and the update',
  schema: benchGrpoSchema,
  examples: ['lorikeet bench grpo model=outputs/model prompts=4 num_generations=8'],
  plan: (config) => [
    `runs ${config.steps + 2} steps of ${config.prompts} × ${config.num_generations} completions`,
  ],
  run: async (config, context) =>
    (await import('../../recipes/bench/grpo.js')).benchGrpo(config, context),
});

/** Every benchmark, by the word that names it. */
const benchmarks: readonly Command[] = [sft, dpo, grpo, rollout, grade];

const names = benchmarks.map(({ name }) => name);

function benchmarkNamed(word: string | undefined): Command {
  const found = benchmarks.find(({ name }) => name === word);
  if (found !== undefined) return found;
  const near = word === undefined ? undefined : nearest(word, names);
  throw new InputError({
    where: 'bench',
    problem: word === undefined ? 'no benchmark is named' : `unknown benchmark "${word}"`,
    remedy: near === undefined ? `Name one of ${names.join(', ')}` : `The nearest is ${near}`,
  });
}

export const bench: Command = {
  name: 'bench',
  usage: 'NAME [FILE] [key=value …]',
  summary: 'Measure the speed of a part on this machine; prints one JSON line',
  examples: benchmarks.flatMap(({ examples }) => examples),
  schema: benchSchema,
  parts: benchmarks,
  handle: (call) => {
    const [word, ...words] = call.words;
    return benchmarkNamed(word).handle({ ...call, words });
  },
};
