/** What a key of another tool means here. */

export type ForeignMeaning =
  /**
   * Dotted keys; the first that the command has takes the value. `implied`: what else that key's value
   * sets, where nothing sets it, and what to give for the other meaning of the name.
   */
  | { readonly to: readonly string[]; readonly implied?: Readonly<Record<string, Implied>> }
  /** Why the name is refused and what to use; with `use`: that key, or nothing where the command has none such. */
  | { readonly refused: string; readonly use?: string };

export interface Implied {
  readonly values: (value: unknown) => Readonly<Record<string, unknown>>;
  readonly otherwise: string;
}

export const to = (...keys: string[]): ForeignMeaning => ({ to: keys });
export const refused = (reason: string): ForeignMeaning => ({ refused: reason });

/** Why names of several tools are refused. */
export const ONE_DEVICE = 'a run has one device. Leave it out';
export const READ_HERE = 'rows are read in one process. Leave it out';
