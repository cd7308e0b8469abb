/** The fine-tuning service that a config or a run folder names. The key comes from the environment only. */
import { endpointSettings, openEndpoint } from '../../endpoint/index.js';
import type { RemotePlace } from '../../report/index.js';
import { type FineTuningClient, fineTuningClient } from './client.js';

/** @throws InputError when the address is none; SetupError when the variable is not set */
export function openService(place: RemotePlace, signal: AbortSignal): FineTuningClient {
  const settings = endpointSettings({
    baseUrl: place.base_url,
    apiKeyEnv: place.api_key_env,
    env: process.env,
    signal,
    timeoutMs: 1000 * place.timeout_s,
    attempts: place.max_attempts,
  });
  return fineTuningClient(openEndpoint(settings), signal);
}
