/** Where an OpenAI-compatible server is, and how patiently it is asked. Keys come from the environment. */
import { InputError, SetupError } from '../util/errors.js';
import { checkedSecret } from '../util/secret.js';

export interface EndpointSettings {
  /** Address up to the version, as `https://api.openai.com/v1` or `http://127.0.0.1:8000/v1`. */
  readonly baseUrl: string;
  readonly apiKey: string | null;
  /** Header that carries the key: `authorization` as a bearer's token, `x-api-key` as it is. */
  readonly keyHeader: 'authorization' | 'x-api-key';
  /** Longest time of one try, milliseconds, its body included. */
  readonly timeoutMs: number;
  /** Tries of one request, the first included. */
  readonly attempts: number;
  /** Wait before the second try, milliseconds; it doubles with each further one. */
  readonly retryDelayMs: number;
  /** Requests on their way at the same time. */
  readonly maxConcurrency: number;
  /** Folder of kept replies; null asks anew every time. */
  readonly cacheDir: string | null;
  /** Price per million tokens, in any currency; null counts no cost. */
  readonly prices: { readonly input: number; readonly output: number } | null;
  /** Ends every request. */
  readonly signal: AbortSignal | null;
}

const DEFAULTS = {
  keyHeader: 'authorization',
  timeoutMs: 120_000,
  attempts: 4,
  retryDelayMs: 500,
  maxConcurrency: 8,
  cacheDir: null,
  prices: null,
  signal: null,
} satisfies Partial<EndpointSettings>;

export interface EndpointChoice extends Partial<Omit<EndpointSettings, 'apiKey' | 'baseUrl'>> {
  /** Null takes `OPENAI_BASE_URL`. */
  readonly baseUrl: string | null;
  /** Variable that holds the key; null takes `OPENAI_API_KEY` when it is set. */
  readonly apiKeyEnv?: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * @throws InputError when there is no address or it is none; SetupError when the named variable is not set.
 */
export function endpointSettings({
  baseUrl,
  apiKeyEnv = null,
  env,
  ...others
}: EndpointChoice): EndpointSettings {
  return {
    ...DEFAULTS,
    ...others,
    baseUrl: checkedUrl(baseUrl ?? env.OPENAI_BASE_URL),
    apiKey: keyOf(apiKeyEnv, env),
  };
}

function checkedUrl(url: string | undefined): string {
  const remedy = 'Give base_url (or OPENAI_BASE_URL), as http://127.0.0.1:8000/v1';
  if (url === undefined || url === '') {
    throw new InputError({ where: 'base_url', problem: 'no endpoint is named', remedy });
  }
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !['http:', 'https:'].includes(parsed.protocol)) {
    throw new InputError({ where: 'base_url', problem: `"${url}" is no http address`, remedy });
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new InputError({
      where: 'base_url',
      problem: `the address of ${parsed.host} holds a user name or password`,
      remedy: 'Put the key into an environment variable and name it in api_key_env',
    });
  }
  return url.replace(/\/+$/, '');
}

function keyOf(name: string | null, env: EndpointChoice['env']): string | null {
  const variable = name ?? 'OPENAI_API_KEY';
  const value = env[variable]?.trim() ?? '';
  if (value !== '') return checkedSecret(value, variable);
  if (name === null) return null;
  throw new SetupError({
    where: 'api_key_env',
    problem: `the environment variable ${name} is not set`,
    remedy: `Set ${name} to the endpoint's key, or write ${name}=… into a file .env here`,
  });
}
