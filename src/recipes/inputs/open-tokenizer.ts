/** The tokenizer of a model, with the chat template and the end of text that the config gives. */
import {
  loadTokenizer,
  readChatTemplate,
  readsVariable,
  type Tokenizer,
} from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';

export interface TokenizerKeys {
  readonly prompt_template: string | null;
  readonly chat_template_path: string | null;
  readonly chat_template_kwargs: Readonly<Record<string, unknown>>;
  readonly eos_token: string | null;
}

/** @throws InputError on a template or token that is not there, and on variables that nothing reads. */
export async function openTokenizer(
  dir: string,
  { chat_template_path: path = null, eos_token: eosToken = null, ...keys }: Partial<TokenizerKeys>,
): Promise<Tokenizer> {
  const tokenizer = await loadTokenizer(dir, {
    ...(path !== null && { chatTemplate: readChatTemplate(path) }),
    ...(eosToken !== null && { eosToken }),
  });
  const { chat_template_kwargs: variables = {}, prompt_template: own = null } = keys;
  checkVariables(Object.keys(variables), own === null ? tokenizer.chatTemplate : null);
  return tokenizer;
}

/** @param template Null: no chat template is used. */
export function checkVariables(names: readonly string[], template: string | null): void {
  const isRead = (name: string) => template !== null && readsVariable(template, name);
  const unread = names.find((name) => !isRead(name));
  if (unread === undefined) return;
  throw new InputError({
    where: `chat_template_kwargs.${unread}`,
    problem:
      template === null ? 'no chat template is used' : 'the chat template reads no such name',
    remedy: 'Correct it, or leave it out',
  });
}
