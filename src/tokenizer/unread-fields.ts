/** Fields of a message that the chat template does not read, so that what they say would be lost. */
import { namesOfField } from './reasoning.js';
import { readsVariable } from './row-variables.js';

/** `tool_call_id` only tells answers of tools apart, which templates do by their order. */
const NOT_LOST: readonly string[] = ['role', 'content', 'tool_call_id'];

/** @param template Null where no chat template is used. */
export const unreadFields = (
  message: Readonly<Record<string, unknown>>,
  template: string | null,
): string[] =>
  Object.keys(message).filter(
    (name) => !NOT_LOST.includes(name) && says(message[name]) && !isRead(template, name),
  );

const says = (value: unknown): boolean =>
  value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);

const isRead = (template: string | null, name: string): boolean =>
  template !== null && namesOfField(name).some((each) => readsVariable(template, each));
