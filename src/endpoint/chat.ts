/** The two calls of an OpenAI-compatible server that graders make: chat completions and embeddings. */
import type { JsonRow } from '../util/files.js';
import type { Endpoint } from './endpoint.js';
import { malformed } from './failures.js';

interface ChatMessage {
  readonly role: string;
  /** Text, or parts as `{ type: 'text', text }`. */
  readonly content: unknown;
}

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** Further fields as the server names them: `temperature`, `response_format`, … */
  readonly settings?: JsonRow;
}

export interface ChatReply {
  /** Text of the first choice; empty when the model said nothing. */
  readonly text: string;
  /** The model's refusal, where the server marks it. */
  readonly refusal: string | null;
  readonly finishReason: string | null;
  /** The first choice as sent, with log-probabilities and tool calls where asked for. */
  readonly choice: JsonRow;
  readonly isCached: boolean;
  readonly latencyMs: number;
}

/** @throws EndpointError, also when the answer holds no choice. */
export async function chatCompletion(
  endpoint: Endpoint,
  { model, messages, settings = {} }: ChatRequest,
  options: { signal?: AbortSignal } = {},
): Promise<ChatReply> {
  const path = '/chat/completions';
  const { body, ...reply } = await endpoint.post(path, { model, messages, ...settings }, options);
  const choice = Array.isArray(body.choices) ? (body.choices[0] as JsonRow | undefined) : undefined;
  const message = choice?.message as JsonRow | null | undefined;
  if (choice == null || message == null || typeof message !== 'object') {
    throw malformed(endpoint.settings.baseUrl + path, 'its answer holds no choices[0].message');
  }
  return {
    text: textOf(message.content),
    refusal: typeof message.refusal === 'string' ? message.refusal : null,
    finishReason: typeof choice.finish_reason === 'string' ? choice.finish_reason : null,
    choice,
    ...reply,
  };
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (typeof part?.text === 'string' ? part.text : '')).join('');
}

/**
 * One vector for each text, in order.
 * @throws EndpointError, also when the answer holds another number of vectors, or no numbers.
 */
export async function embeddings(
  endpoint: Endpoint,
  { model, input }: { readonly model: string; readonly input: readonly string[] },
  options: { signal?: AbortSignal } = {},
): Promise<number[][]> {
  const path = '/embeddings';
  const { body } = await endpoint.post(path, { model, input }, options);
  const data = Array.isArray(body.data) ? (body.data as JsonRow[]) : [];
  const vectors = [...data]
    .sort((a, b) => Number(a?.index ?? 0) - Number(b?.index ?? 0))
    .map((each) => each?.embedding);
  if (vectors.length === input.length && vectors.every(isVector)) return vectors as number[][];
  throw malformed(endpoint.settings.baseUrl + path, `expected ${input.length} vectors`);
}

const isVector = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((each) => Number.isFinite(each));
