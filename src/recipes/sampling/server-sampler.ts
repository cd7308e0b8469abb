/** The key `server` → a sampler on it. */
import type { ServerConfig } from '../../config/index.js';
import { endpointSettings, openEndpoint } from '../../endpoint/index.js';
import { createRemoteSampler, type RemoteSampler } from '../../rollout/index.js';
import type { JsonRow } from '../../util/files.js';
import { nameAtServer } from './name-at-server.js';

export interface ServerSamplerOptions {
  readonly server: ServerConfig;
  /** Name of the model where `server.model` is null, or the folder of `lorikeet openai` that has tuned it. */
  readonly model: string;
  readonly responseFormat: JsonRow | null;
  readonly signal: AbortSignal;
}

/** @throws InputError or SetupError when the address or the key is missing */
export function openServerSampler(options: ServerSamplerOptions): RemoteSampler {
  const { server, model, responseFormat, signal } = options;
  const settings = endpointSettings({
    baseUrl: server.base_url,
    apiKeyEnv: server.api_key_env,
    env: process.env,
    timeoutMs: 1000 * server.timeout_s,
    attempts: server.max_attempts,
    maxConcurrency: server.max_concurrency,
    signal,
  });
  return createRemoteSampler({
    endpoint: openEndpoint(settings),
    model: nameAtServer(server.model ?? model),
    api: server.api,
    adapterDir: server.adapter_dir,
    extra: {
      ...formatField(server, responseFormat),
      ...reasoningField(server),
      ...server.extra_body,
    },
  });
}

/** The Responses form has the schema's fields side by side, under `text.format`. */
function formatField({ api }: ServerConfig, format: JsonRow | null): JsonRow {
  if (format === null) return {};
  if (api !== 'responses') return { response_format: format };
  const { json_schema: schema, ...rest } = format;
  return { text: { format: { ...rest, ...(schema as JsonRow | undefined) } } };
}

/** `reasoning` of the Responses form; `reasoning_effort` of the others, which give no summary. */
function reasoningField({ api, reasoning: { effort, summary } }: ServerConfig): JsonRow {
  if (api !== 'responses') return effort === null ? {} : { reasoning_effort: effort };
  if (effort === null && summary === null) return {};
  return { reasoning: { ...(effort && { effort }), ...(summary && { summary }) } };
}
