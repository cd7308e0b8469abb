/** Errors in the form of OpenAI's API: `{"error": {message, type, param, code}}` with a status. */
import { InputError, messageOf } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';

export interface ApiErrorParts {
  readonly status?: number;
  /** The field of the request. */
  readonly param?: string;
  readonly code?: string;
  /** Methods, for status 405 (RFC 9110, 15.5.6). */
  readonly allow?: string;
}

/** A request that is refused. */
export class ApiError extends Error {
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;
  readonly allow: string | null;

  constructor(message: string, { status = 400, param, code, allow }: ApiErrorParts = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.param = param ?? null;
    this.code = code ?? null;
    this.allow = allow ?? null;
  }
}

/** A field whose value cannot be taken. */
export const fieldError = (param: string, problem: string, remedy?: string): ApiError =>
  new ApiError(`${param}: ${problem}${remedy === undefined ? '' : `. ${remedy}`}`, { param });

/** What is thrown on the way is the client's fault where it is about its input, else ours. */
export function asApiError(error: unknown, param?: string): ApiError {
  if (error instanceof ApiError) return error;
  const isInput = error instanceof InputError;
  return new ApiError(messageOf(error), {
    status: isInput ? 400 : 500,
    ...(isInput && param !== undefined && { param }),
  });
}

const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  429: 'rate_limit_error',
};

export function errorBody({ message, status, param, code }: ApiError): JsonRow {
  const type = TYPES[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error');
  return { error: { message, type, param, code } };
}
