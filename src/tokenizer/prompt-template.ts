/**
 * `prompt_template`: how a prompt is written for a model without a chat template. `{prompt}` stands for
 * the user's text and `{system}` for the system prompt; every other brace is literal, so LaTeX is safe.
 */
import { InputError } from '../util/errors.js';
import type { Message } from './messages.js';

export interface TemplateFields {
  readonly prompt: string;
  readonly system?: string | undefined;
}

/** @throws InputError when the template lacks `{prompt}`, or `{system}` while there is a system prompt. */
export function fillTemplate(template: string, { prompt, system }: TemplateFields): string {
  const fail = (problem: string, remedy: string): never => {
    throw new InputError({ where: 'prompt_template', problem, remedy });
  };
  if (!template.includes('{prompt}')) fail('has no {prompt}', 'Write {prompt} where the text goes');
  if (system !== undefined && !template.includes('{system}')) {
    fail('has no {system}, but there is a system prompt', 'Write {system} where it goes');
  }
  return template.replace(/\{(prompt|system)\}/g, (_, field) =>
    field === 'prompt' ? prompt : (system ?? ''),
  );
}

/**
 * The one exchange that a template can write: an optional system message and one user message.
 * @throws InputError on any other list of messages.
 */
export function singlePrompt(messages: readonly Message[], where: string): TemplateFields {
  const system = messages[0]?.role === 'system' ? messages[0].content : undefined;
  const rest = system === undefined ? messages : messages.slice(1);
  const [user] = rest;
  if (rest.length === 1 && user?.role === 'user') return { prompt: user.content, system };
  throw new InputError({
    where,
    problem: `prompt_template writes one user message, found ${rest.map(({ role }) => role).join(', ') || 'none'}`,
    remedy: 'Use a model with a chat template for longer conversations',
  });
}
