/** The fine-tuning service that a config or a run folder names. The key comes from the environment only. */
import { endpointSettings, openEndpoint } from '../../endpoint/index.js';
import { type FineTuningClient, fineTuningClient } from './client.js';

interface ServiceKeys {
  readonly base_url: string;
  readonly api_key_env: string;
  readonly timeout_s?: number;
  readonly max_attempts?: number;
}

/** @throws InputError when the address is none; SetupError when the variable is not set */
export function openService(keys: ServiceKeys, signal: AbortSignal): FineTuningClient {
  const { base_url, api_key_env, timeout_s = 60, max_attempts = 4 } = keys;
  const settings = endpointSettings({
    baseUrl: base_url,
    apiKeyEnv: api_key_env,
    env: process.env,
    signal,
    timeoutMs: 1000 * timeout_s,
    attempts: max_attempts,
  });
  return fineTuningClient(openEndpoint(settings), signal);
}
