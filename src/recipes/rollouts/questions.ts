/** Questions with their other wordings, and the prompts that each arm puts to the model. */
import type { ArmConfig, RolloutsConfig } from '../../config/index.js';
import { perturb } from '../../preferences/index.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { Rng } from '../../util/rng.js';
import { fieldNames } from '../../util/shown.js';
import type { RecipeContext } from '../context.js';
import { loadDataset } from '../inputs/dataset.js';
import type { ModelSource } from '../inputs/model-source.js';
import { longestPrompt, type PromptedRow, promptRows } from '../inputs/prompted-rows.js';
import { renderOptions } from '../inputs/render-options.js';

export interface AskedQuestion {
  readonly index: number;
  readonly id: string;
  readonly text: string;
  readonly row: JsonRow;
  /** The question itself, then its perturbations. */
  readonly wordings: readonly string[];
  /** `file:line` */
  readonly where: string;
}

/** @throws InputError on a row without a question */
export async function loadQuestions(
  config: RolloutsConfig,
  context: RecipeContext,
): Promise<AskedQuestion[]> {
  const { rows, where } = await loadDataset(config.dataset, { seed: config.seed, context });
  return rows.map((row, index) => {
    const text = row.question;
    if (typeof text !== 'string' || text === '') {
      throw new InputError({
        where: where(index),
        problem: `no column "question" (it has ${fieldNames(row)})`,
        remedy: 'Map its name by dataset.columns',
      });
    }
    const wordings = [text, ...perturbations(text, config)];
    return { index, id: String(index), text, row, wordings, where: where(index) };
  });
}

/** Kinds that find nothing to change in the question give none. */
function perturbations(question: string, config: RolloutsConfig): string[] {
  const { perturbations: kinds, perturbation_names: names, seed } = config;
  return kinds.flatMap((kind) => {
    const rng = Rng.of(seed, 'perturb', kind, question);
    return perturb(question, { kind, names, rng }) ?? [];
  });
}

/** Token ids by arm, question and wording. */
export interface ArmPrompts {
  readonly idsOf: (arm: string, question: number, wording: number) => readonly number[];
  /** Tokens. */
  readonly longest: number;
}

/** @throws InputError naming the row whose prompt leaves no room for the completion */
export function armPrompts(
  config: RolloutsConfig,
  questions: readonly AskedQuestion[],
  source: Pick<ModelSource, 'tokenizer' | 'spec'>,
): ArmPrompts {
  const byForm = new Map<string, Map<string, PromptedRow>>();
  const byArm = new Map(
    config.arms.map((arm) => {
      const form = JSON.stringify([arm.prefix, arm.suffix, arm.system_prompt, arm.prompt_template]);
      const known = byForm.get(form) ?? promptsOf(arm, { config, questions, source });
      byForm.set(form, known);
      return [arm.name, known] as const;
    }),
  );
  const all = [...byForm.values()].flatMap((prompts) => [...prompts.values()]);
  return {
    idsOf: (arm, question, wording) => byArm.get(arm)!.get(`${question}/${wording}`)!.promptIds,
    longest: longestPrompt(all),
  };
}

interface PromptArgs {
  readonly config: RolloutsConfig;
  readonly questions: readonly AskedQuestion[];
  readonly source: Pick<ModelSource, 'tokenizer' | 'spec'>;
}

function promptsOf(arm: ArmConfig, { config, questions, source }: PromptArgs) {
  const asked = questions.flatMap(({ index, wordings, where }) =>
    wordings.map((wording, i) => ({
      where,
      row: { id: `${index}/${i}`, question: `${arm.prefix}${wording}${arm.suffix}` },
    })),
  );
  const keys = {
    prompt_template: arm.prompt_template ?? config.prompt_template,
    system_prompt: arm.system_prompt ?? config.system_prompt,
    chat_template_kwargs: config.chat_template_kwargs,
  };
  const rows = asked.map(({ row }) => row);
  const prompts = promptRows(source.tokenizer, rows, {
    render: (i) => renderOptions(keys, asked[i]!.where),
    context: source.spec.maxPositions,
    completion: config.max_new_tokens,
  });
  return new Map(prompts.map((prompt) => [prompt.id, prompt]));
}
