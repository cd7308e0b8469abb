/** The keys of prompts → how the tokenizer renders them. */
import type { RenderOptions } from '../../tokenizer/index.js';

export interface PromptKeys {
  readonly prompt_template: string | null;
  readonly system_prompt: string | null;
  readonly chat_template_kwargs: Readonly<Record<string, unknown>>;
}

/** @param where `file:line` of the row, for errors */
export const renderOptions = (keys: PromptKeys, where: string): RenderOptions => ({
  promptTemplate: keys.prompt_template ?? undefined,
  systemPrompt: keys.system_prompt ?? undefined,
  templateArgs: keys.chat_template_kwargs,
  where,
});
