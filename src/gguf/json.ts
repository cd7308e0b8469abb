/** Parsed JSON whose form its reader checks. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const asObjects = (value: unknown): readonly JsonObject[] =>
  Array.isArray(value) ? (value as JsonObject[]) : [];
