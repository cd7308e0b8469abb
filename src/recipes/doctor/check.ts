/** One line of the doctor's report. */

export type CheckStatus = 'ok' | 'note' | 'broken';

export interface Check {
  readonly name: string;
  /** `note`: something optional is missing; `broken`: a needed thing is. */
  readonly status: CheckStatus;
  readonly found: string;
  /** What to do about it; null where there is nothing to do. */
  readonly remedy: string | null;
}

export const ok = (name: string, found: string): Check => ({
  name,
  status: 'ok',
  found,
  remedy: null,
});

export const note = (name: string, found: string, remedy: string): Check => ({
  name,
  status: 'note',
  found,
  remedy,
});

export const broken = (name: string, found: string, remedy: string): Check => ({
  name,
  status: 'broken',
  found,
  remedy,
});
