/** What can go wrong with the hub, and what to tell the user about it. */
import { InputError, type LorikeetError, RunError, SetupError } from '../util/errors.js';
import { BLOCKED_PORT, failureCode, failureReason, isBlockedPort } from '../util/fetch-failure.js';
import { proxyHint } from '../util/proxy-hint.js';
import type { RepoKind } from './ids.js';
import type { HubSettings } from './settings.js';

export interface RepoRef {
  readonly kind: RepoKind;
  readonly id: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

/** `owner/name`, with the revision when it is not `main`. */
export function label({ id, revision }: RepoRef): string {
  return revision === 'main' ? id : `${id}@${revision}`;
}

/** Only what is on the hub has revisions. @param why What is named instead. */
export function localRevision(key: string, revision: string, why: string): InputError {
  return new InputError({
    where: key,
    problem: `"${revision}" is a revision on the hub, but ${why}`,
    remedy: 'Leave the revision out, or give a hub id such as owner/name',
  });
}

/** The hub did not answer, broke the connection, or was out of order, and retries did not help. */
export class HubUnreachableError extends SetupError {}

/** The hub answered, and has no such repository, revision or file. */
export class HubNotFoundError extends InputError {}

/** What is not on this machine is tried as a hub id. @param place What was looked for, for the hub's failures. */
export async function triedOnHub<T>(place: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof HubNotFoundError || error instanceof HubUnreachableError)) throw error;
    const Kind = error instanceof HubNotFoundError ? HubNotFoundError : HubUnreachableError;
    throw new Kind(`${place}: ${error.message}`, { cause: error });
  }
}

/** A failure that may pass: worth another try. */
export class TransientError extends Error {
  /** The server could not be connected to at all. */
  readonly noConnection: boolean;
  /** Wait asked for by the server. */
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    options: ErrorOptions & { noConnection?: boolean; retryAfterMs?: number | null } = {},
  ) {
    super(message, options);
    this.noConnection = options.noConnection ?? false;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

const NO_CONNECTION = [
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
];

/** The transient form of an error thrown by `fetch` or while reading a body. */
export function networkFailure(error: unknown): TransientError {
  const code = failureCode(error);
  const name = error instanceof Error ? error.name : '';
  const reason = name === 'TimeoutError' ? 'no answer in time' : failureReason(error);
  const noConnection = code !== undefined && NO_CONNECTION.includes(code);
  return new TransientError(reason, { cause: error, noConnection });
}

export function unreachable(
  settings: HubSettings,
  what: string,
  last: TransientError,
): HubUnreachableError {
  const proxy = last.noConnection ? proxyHint(settings.endpoint) : '';
  const usual = 'Check the network, set HF_ENDPOINT to a mirror, or use a local folder or file';
  return new HubUnreachableError(
    {
      where: what,
      problem: `${settings.endpoint} could not be reached (${last.message})`,
      remedy: isBlockedPort(last.cause) ? BLOCKED_PORT : `${proxy}${usual}`,
    },
    { cause: last },
  );
}

export function notCached(
  settings: HubSettings,
  what: string,
  missing: string,
): HubUnreachableError {
  return new HubUnreachableError({
    where: what,
    problem: `${missing} is not in the cache at ${settings.cacheDir}, and the hub may not be asked (offline)`,
    remedy: 'Unset HF_HUB_OFFLINE once to download it, or use a local folder or file',
  });
}

/** The error for an answer that more tries cannot mend. `code` is the header `x-error-code`. */
export function refused(
  settings: HubSettings,
  what: string,
  { status, code }: { readonly status: number; readonly code: string | null },
): LorikeetError {
  if (status === 404) return notFound(settings, what, code);
  if (status !== 401 && status !== 403) {
    return new RunError({ where: what, problem: `${settings.endpoint} answered ${status}` });
  }
  const gated = code === 'GatedRepo';
  const problem = gated
    ? `access is restricted (${status})`
    : `${settings.endpoint} answered ${status}: it is private, gated, or does not exist`;
  const remedy = `Check the name, accept its terms on the hub, and set HF_TOKEN to a token that may read it (now ${
    settings.token === null ? 'no token is set' : 'the token in use was refused'
  })`;
  return new SetupError({ where: what, problem, remedy });
}

function notFound(settings: HubSettings, what: string, code: string | null): HubNotFoundError {
  const thing =
    code === 'RevisionNotFound'
      ? 'revision'
      : code === 'EntryNotFound'
        ? 'file'
        : 'repository or file';
  return new HubNotFoundError({
    where: what,
    problem: `no such ${thing} on ${settings.endpoint} (404)`,
    remedy: 'Check the name, or use the path of a local folder or file',
  });
}
