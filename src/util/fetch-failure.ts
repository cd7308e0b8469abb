/** Why `fetch` has failed: its own message says no more than that. */

/** The system's or undici's code, as ECONNREFUSED; undefined where the error has none. */
export const failureCode = (error: unknown): string | undefined =>
  error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;

/** The code, or else what the error beneath says. */
export const failureReason = (error: unknown): string =>
  failureCode(error) ??
  (error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error));

/** A port that is never connected to: browsers and Node block those of the Fetch standard's list. */
export const isBlockedPort = (error: unknown): boolean => failureReason(error) === 'bad port';

export const BLOCKED_PORT =
  'Give the server another port: Node blocks this one, as browsers do (the Fetch standard lists 1, 22, 6000, 6667 and more)';
