/** Arms of `lorikeet rollouts`: ways to ask and to decode. The prompts follow the papers named in docs/coherence.md. */
import { z } from 'zod';
import { counted } from '../../util/counted.js';
import { fileWord, optionalText, positive } from './fields.js';
import { samplingKeys } from './groups.js';

const armSchema = z.strictObject({
  name: fileWord().describe('Name in the rows and the bandit'),
  prefix: z.string().default('').describe('Text before the question'),
  suffix: z.string().default('').describe('Text after the question'),
  system_prompt: optionalText("System message in place of the run's"),
  prompt_template: optionalText("Template in place of the run's"),
  ...samplingKeys(0.7),
  min_p: z.number().min(0).lt(1).default(0).describe('Keep tokens at least this likely, relative'),
  repetition_penalty: positive().default(1).describe('Above 1 makes repeated tokens less likely'),
});

export type ArmConfig = z.output<typeof armSchema>;

/** Four ways to decode and four ways to ask. */
const DEFAULT_ARMS: readonly z.input<typeof armSchema>[] = [
  { name: 'greedy', temperature: 0 },
  { name: 'cool', temperature: 0.3 },
  { name: 'nucleus', temperature: 0.8, top_p: 0.95 },
  { name: 'min_p', temperature: 1.2, min_p: 0.1 },
  { name: 'step_by_step', suffix: "\nLet's think step by step." },
  { name: 'plan', suffix: '\nFirst make a plan for this problem, then carry it out step by step.' },
  {
    name: 'decompose',
    suffix: '\nSplit the problem into smaller questions, answer each, then answer the whole.',
  },
  {
    name: 'check',
    suffix: '\nSolve the problem, then check the result against what is given before you answer.',
  },
];

export const armsKey = z
  .array(armSchema)
  .min(1)
  .prefault([...DEFAULT_ARMS])
  .describe('Ways to ask and to decode; each trajectory is made by one');

/** What is wrong with the arms, or null. */
export function armProblem(arms: readonly ArmConfig[], trajectories: number): string | null {
  const names = arms.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) return `two arms are called ${twice}. Rename one`;
  if (trajectories <= arms.length || arms.some(({ temperature }) => temperature > 0)) return null;
  return `a greedy arm gives one text: ${counted(arms.length, 'arm')} for ${counted(trajectories, 'trajectory')}. Add one with a temperature`;
}
