/** The form of prompts that a run's model was trained on. */
import { isObject } from '../../util/json-object.js';
import { shown } from '../../util/shown.js';
import type { PromptKeys } from './render-options.js';
import { runOfModel } from './run-of-model.js';

const KEYS: readonly (keyof PromptKeys)[] = [
  'prompt_template',
  'system_prompt',
  'chat_template_kwargs',
];

const isGiven = (value: unknown): boolean =>
  value !== null && value !== undefined && JSON.stringify(value) !== '{}';

/**
 * Says what of its prompts a run was told and a command is not: without it the model is asked what it was not
 * trained on.
 * @param keys Those that the command has
 * @param dir The model's folder
 */
export function sayOtherPrompts(
  keys: Partial<PromptKeys>,
  dir: string,
  log: (line: string) => void,
): void {
  const trained = runOfModel(dir)?.config;
  if (!isObject(trained)) return;
  const missing = KEYS.filter(
    (key) => keys[key] !== undefined && isGiven(trained[key]) && !isGiven(keys[key]),
  );
  if (missing.length === 0) return;
  const told = missing.map((key) => `${key}=${shown(trained[key])}`).join(' and ');
  log(
    `${dir}: trained with ${told}, asked without; give ${missing.join(' and ')} to write prompts as in training`,
  );
}
