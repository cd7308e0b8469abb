/** What can go wrong with an endpoint, and what to tell the user about it. */
import { RunError } from '../util/errors.js';
import { BLOCKED_PORT, failureCode, failureReason, isBlockedPort } from '../util/fetch-failure.js';
import type { JsonRow } from '../util/files.js';
import { proxyHint } from '../util/proxy-hint.js';
import { mayPass } from '../util/retry.js';
import { retryAfterMs } from '../util/retry-after.js';

/**
 * `timeout`: no whole answer in time. `unreachable`: no connection, or it broke. `refused`: an error
 * status. `malformed`: an answer that is not what the interface promises.
 */
export type EndpointFailure = 'timeout' | 'unreachable' | 'refused' | 'malformed';

/** A request that failed for good. The message never holds the key. */
export class EndpointError extends RunError {
  readonly kind: EndpointFailure;
  /** HTTP status; null when there was no answer. */
  readonly status: number | null;
  /** The server's error code or type, as `insufficient_quota`. */
  readonly code: string | null;
  /** Whether another try may help, and how long the server asks to wait, milliseconds. */
  readonly retry: { readonly afterMs: number | null } | null;

  constructor(
    parts: { readonly where: string; readonly problem: string; readonly remedy?: string },
    details: {
      readonly kind: EndpointFailure;
      readonly status?: number | null;
      readonly code?: string | null;
      readonly retry?: { readonly afterMs: number | null } | null;
      readonly cause?: unknown;
    },
  ) {
    super(parts, { cause: details.cause });
    this.kind = details.kind;
    this.status = details.status ?? null;
    this.code = details.code ?? null;
    this.retry = details.retry ?? null;
  }
}

const BUSY = 'Lower max_concurrency or wait';
const ADDRESS =
  'Check base_url (it ends in /v1 for most servers), the model name, and that the server has this interface';

/** Server's code, type or status → what to do. */
const REMEDIES: Readonly<Record<string, string>> = {
  insufficient_quota: 'The account has no credit left: add some, or use another endpoint',
  invalid_api_key: 'Set the key that belongs to this endpoint',
  model_not_found: 'Name a model that this endpoint serves (GET /models lists them)',
  context_length_exceeded: 'Shorten the input or use a model with a longer context',
  invalid_request_error:
    'The endpoint does not accept a field of the request: check the model and its settings',
  rate_limit_exceeded: BUSY,
  401: 'Set the key that belongs to this endpoint',
  403: 'The key may not use this model or address',
  404: ADDRESS,
  429: BUSY,
};

/** What the server says → what to do, where its code alone says too little. */
const SAID: readonly (readonly [RegExp, string])[] = [
  [
    /response_format\W{0,3} .{0,20}must be set|must be .{0,4}json_schema/i,
    'This model answers by a JSON schema only: ask for it (factorize structured=true, or response_format={type: json_schema, …})',
  ],
  [
    /response_format|json_schema/i,
    'This model or server does not take this response_format: use one that has it (a judge can be a model of your own, judge.model_path), or leave it out (factorize structured=false)',
  ],
  [
    /max_tokens.{0,60}max_completion_tokens|(temperature|logprobs).{0,40}(does not support|not supported)/i,
    'A model that reasons is asked with an effort (server.reasoning.effort=medium) and temperature=1; a grader names in its sampling_params only what the model takes',
  ],
  [
    /fine-tuning job failed/i,
    'Check the grader (lorikeet grade --validate --stress) and try again with fewer rows',
  ],
];

/** The error of an answer with an error status. `text` is its body. */
export function refusal(
  where: string,
  { status, text, headers }: { status: number; text: string; headers: Headers },
): EndpointError {
  const { code, message } = serverError(text);
  const passes = mayPass(status) && code !== 'insufficient_quota';
  const said = SAID.find(([pattern]) => pattern.test(message))?.[1];
  const [byCode, byStatus] = [REMEDIES[code ?? ''], statusRemedy(status, headers)];
  // A type that servers give to every refusal says less than the status.
  const remedy = said ?? (code === 'invalid_request_error' ? byStatus : null) ?? byCode ?? byStatus;
  return new EndpointError(
    {
      where,
      problem: `it answered ${status}${code === null ? '' : ` (${code})`}${message}`,
      ...(remedy !== undefined && { remedy }),
    },
    {
      kind: 'refused',
      status,
      code,
      retry: passes ? { afterMs: retryAfterMs(headers.get('retry-after')) } : null,
    },
  );
}

function statusRemedy(status: number, headers: Headers): string | undefined {
  const elsewhere = headers.get('location');
  if (status < 400 && elsewhere !== null) return `Give base_url as it is at ${elsewhere}`;
  return status < 500 ? REMEDIES[String(status)] : 'The log of the server says why';
}

/** Whether nothing came back from the address, not even that it refuses: its packets are dropped somewhere. */
export const isSilent = (error: EndpointError): boolean =>
  error.kind === 'unreachable' && SILENT.includes(failureCode(error.cause) ?? '');

/** undici gives a connection 10 s; the system, where it is the first to give up, says ETIMEDOUT. */
const SILENT = ['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'];

/** The error of a request that is not sent, as another one has just found the address silent. */
export function notAsked(where: string, silent: EndpointError, pauseMs: number): EndpointError {
  const { cause } = silent;
  return new EndpointError(
    {
      where,
      problem: `not asked: another request could not reach the server (${failureCode(cause)})`,
      remedy: `${proxyHint(where)}Check base_url and that the server runs; it is asked again ${pauseMs / 1000} s later`,
    },
    { kind: 'unreachable', cause },
  );
}

/** The error of a request that brought no whole answer. */
export function noAnswer(where: string, cause: unknown, timeoutMs: number): EndpointError {
  const timedOut = cause instanceof Error && cause.name === 'TimeoutError';
  const isBlocked = isBlockedPort(cause);
  return new EndpointError(
    {
      where,
      problem: timedOut
        ? `no answer within ${timeoutMs} ms`
        : `could not be reached (${failureReason(cause)})`,
      remedy: timedOut
        ? 'Check that the server runs, or raise timeout_s'
        : isBlocked
          ? BLOCKED_PORT
          : `${proxyHint(where)}Check base_url and that the server runs`,
    },
    {
      kind: timedOut ? 'timeout' : 'unreachable',
      retry: isBlocked ? null : { afterMs: null },
      cause,
    },
  );
}

/**
 * An answer that is not what the interface promises. Another try may bring a better one.
 * @param body What came in place of what was asked for.
 */
export function malformed(where: string, problem: string, body?: JsonRow): EndpointError {
  const came = body === undefined ? '' : `: ${JSON.stringify(body).slice(0, 200)}`;
  return new EndpointError(
    { where, problem: problem + came, ...(body === undefined && { remedy: ADDRESS }) },
    { kind: 'malformed', retry: { afterMs: null } },
  );
}

/** `{"error":{"code","type","message"}}`, as most servers send it; else the start of the text. */
function serverError(text: string): { readonly code: string | null; readonly message: string } {
  let error: unknown;
  try {
    error = (JSON.parse(text) as { error?: unknown } | null)?.error;
  } catch {
    error = text;
  }
  const { code, type, message } = (
    error !== null && typeof error === 'object' ? error : { message: error }
  ) as Record<string, unknown>;
  const name = [code, type].find((each) => typeof each === 'string' && each !== '');
  const said = typeof message === 'string' && message !== '' ? `: ${message.slice(0, 300)}` : '';
  return { code: typeof name === 'string' ? name : null, message: said };
}
