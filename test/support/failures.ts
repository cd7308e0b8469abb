/** Errors as values: of the kind that is expected, else the test fails. */
import { expect } from 'vitest';

/** A class of errors. */
interface Kind<E extends Error> {
  readonly prototype: E;
}

const ACCEPTED = 'accepted';

function caught(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return ACCEPTED;
}

function asKind<E extends Error>(kind: Kind<E>, error: unknown): E {
  expect(error).toBeInstanceOf(kind);
  return error as E;
}

export const thrownBy = <E extends Error>(kind: Kind<E>, work: () => unknown): E =>
  asKind(kind, caught(work));

export const rejectionOf = async <E extends Error>(
  kind: Kind<E>,
  work: Promise<unknown>,
): Promise<E> => {
  const error = await work.then(
    () => ACCEPTED,
    (thrown: unknown) => thrown,
  );
  return asKind(kind, error);
};

/** The message of what is thrown; `accepted` where nothing is. */
export function refusalOf(kind: Kind<Error>, work: () => unknown): string {
  const error = caught(work);
  return error === ACCEPTED ? ACCEPTED : asKind(kind, error).message;
}
