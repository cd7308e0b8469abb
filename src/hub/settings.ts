/**
 * Where the hub is and how to talk to it. The environment variables are those of the hub's own clients:
 * HF_ENDPOINT, HF_TOKEN (or the file HF_TOKEN_PATH, $HF_HOME/token), HF_HUB_CACHE, HF_HOME, HF_HUB_OFFLINE or
 * TRANSFORMERS_OFFLINE.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../util/errors.js';
import { homeFolder } from '../util/home.js';
import { checkedSecret } from '../util/secret.js';

export interface HubProgress {
  /** `owner/name/path` of the file. */
  readonly file: string;
  /** Bytes on disk, with those of an earlier, broken download. */
  readonly received: number;
  readonly total: number | null;
}

export interface HubOptions {
  readonly endpoint?: string;
  readonly token?: string | null;
  readonly cacheDir?: string;
  /** Never use the network. */
  readonly offline?: boolean;
  readonly onProgress?: (progress: HubProgress) => void;
  /** Told when the cache stands in for a hub that is out of reach. Default: a process warning. */
  readonly onNotice?: (message: string) => void;
  readonly signal?: AbortSignal;
  /** Tries per request in case of 5xx, 429 and broken connections. Default 5. */
  readonly attempts?: number;
  /** First wait between tries, doubled each time up to 30 s. Default 1000. */
  readonly retryDelayMs?: number;
  /** Longest silence of the server. Default 30,000. */
  readonly timeoutMs?: number;
}

/** Its `endpoint` is without a final slash. */
export type HubSettings = Required<Omit<HubOptions, 'signal'>> & {
  readonly signal: AbortSignal | null;
};

const TRUE_WORDS = ['1', 'true', 'yes', 'on'];

function nonEmpty(text: string | undefined): string | null {
  return text === undefined || text.trim() === '' ? null : text.trim();
}

function hubFolder(env: NodeJS.ProcessEnv): string {
  const cache = nonEmpty(env.XDG_CACHE_HOME) ?? join(homeFolder(), '.cache');
  return nonEmpty(env.HF_HOME) ?? join(cache, 'huggingface');
}

/** @throws SetupError for one that fits into no header */
function tokenOf(env: NodeJS.ProcessEnv): string | null {
  const direct = nonEmpty(env.HF_TOKEN);
  if (direct !== null) return checkedSecret(direct, 'HF_TOKEN');
  const path = nonEmpty(env.HF_TOKEN_PATH) ?? join(hubFolder(env), 'token');
  const saved = existsSync(path) ? nonEmpty(readFileSync(path, 'utf8')) : null;
  return saved === null ? null : checkedSecret(saved, path);
}

function checkedEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return text.replace(/\/+$/, '');
  throw new InputError({
    where: 'HF_ENDPOINT',
    problem: `"${text}" is not an http(s) address`,
    remedy: 'Set it to e.g. https://huggingface.co',
  });
}

/** @throws InputError when the endpoint is no address; SetupError for a token that is none. */
export function hubSettings(
  options: HubOptions = {},
  env: NodeJS.ProcessEnv = process.env,
): HubSettings {
  const saysOffline = nonEmpty(env.HF_HUB_OFFLINE) ?? nonEmpty(env.TRANSFORMERS_OFFLINE) ?? '';
  const offline = TRUE_WORDS.includes(saysOffline.toLowerCase());
  const cacheDir = nonEmpty(env.HF_HUB_CACHE) ?? join(hubFolder(env), 'hub');
  return {
    endpoint: checkedEndpoint(
      options.endpoint ?? nonEmpty(env.HF_ENDPOINT) ?? 'https://huggingface.co',
    ),
    token: options.token === undefined ? tokenOf(env) : options.token,
    cacheDir: options.cacheDir ?? cacheDir,
    offline: options.offline ?? offline,
    onProgress: options.onProgress ?? (() => undefined),
    onNotice: options.onNotice ?? ((message) => process.emitWarning(message)),
    signal: options.signal ?? null,
    attempts: options.attempts ?? 5,
    retryDelayMs: options.retryDelayMs ?? 1000,
    timeoutMs: options.timeoutMs ?? 30_000,
  };
}
