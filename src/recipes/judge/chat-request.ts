/** The body of a chat completion, as a local model understands it. A field without a meaning here is refused. */
import { EndpointError, type EndpointRequest } from '../../endpoint/index.js';
import type { JsonRow } from '../../util/files.js';

export interface LocalChat {
  readonly messages: readonly JsonRow[];
  /** 0, greedy, where the request says nothing: a judge repeats itself. */
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  /** Longest answer, tokens. */
  readonly maxNewTokens: number;
  readonly responseFormat: JsonRow | null;
}

const FIELDS = [
  ...['model', 'messages', 'temperature', 'top_p', 'seed', 'max_tokens', 'max_completion_tokens'],
  'response_format',
];

/** @throws EndpointError for another path, or a field that is not known. */
export function readChat(
  { url, body = {} }: EndpointRequest,
  { maxNewTokens }: { readonly maxNewTokens: number },
): LocalChat {
  if (!url.endsWith('/chat/completions')) {
    throw refusedLocally(url, 'a local model answers chats only', 'Give judge.base_url for it');
  }
  const unknown = Object.keys(body).find((key) => !FIELDS.includes(key));
  if (unknown !== undefined) {
    const problem = `a local model does not know the field "${unknown}"`;
    throw refusedLocally(url, problem, 'Leave it out of sampling_params');
  }
  const format = body.response_format;
  return {
    messages: body.messages as readonly JsonRow[],
    temperature: numberOr(body.temperature, 0),
    topP: numberOr(body.top_p, 1),
    seed: numberOr(body.seed, 0),
    maxNewTokens: numberOr(body.max_completion_tokens ?? body.max_tokens, maxNewTokens),
    responseFormat: format == null ? null : (format as JsonRow),
  };
}

export function refusedLocally(where: string, problem: string, remedy: string): EndpointError {
  return new EndpointError({ where, problem, remedy }, { kind: 'refused' });
}

const numberOr = (value: unknown, fallback: number): number =>
  typeof value === 'number' ? value : fallback;
