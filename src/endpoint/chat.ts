/** The two calls of an OpenAI-compatible server that graders make: chat completions and embeddings. */
import type { JsonRow } from '../util/files.js';
import { isObject } from '../util/json-object.js';
import type { CheckReply, Endpoint } from './endpoint.js';
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
  const where = endpoint.settings.baseUrl + path;
  const { body, ...reply } = await endpoint.post(
    path,
    { model, messages, ...settings },
    { ...options, check: (some) => void spokenOf(where, some) },
  );
  const { choice, message, text } = spokenOf(where, body);
  return {
    text,
    refusal: typeof message.refusal === 'string' ? message.refusal : null,
    finishReason: typeof choice.finish_reason === 'string' ? choice.finish_reason : null,
    choice,
    ...reply,
  };
}

/** @throws EndpointError when the answer holds no choice, or one that is no text */
function spokenOf(where: string, body: JsonRow) {
  const choice = Array.isArray(body.choices) ? (body.choices[0] as JsonRow | undefined) : undefined;
  const message = choice?.message;
  const text = isObject(message) ? contentText(message.content) : null;
  if (choice != null && isObject(message) && text !== null) return { choice, message, text };
  throw malformed(where, 'its answer holds no choices[0].message', body);
}

/** Of a message, or of its parts; empty where it says nothing, null where it is no text. */
export function contentText(content: unknown): string | null {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return content == null ? '' : null;
  return content.map((part) => (typeof part?.text === 'string' ? part.text : '')).join('');
}

/**
 * One vector for each text, in order.
 * @throws EndpointError, also when the answer holds another number of vectors, or no numbers.
 */
export async function embeddings(
  endpoint: Endpoint,
  { model, input }: { readonly model: string; readonly input: readonly string[] },
): Promise<number[][]> {
  const path = '/embeddings';
  const where = endpoint.settings.baseUrl + path;
  const check: CheckReply = (some) => void vectorsOf(where, some, input.length);
  const { body } = await endpoint.post(path, { model, input }, { check });
  return vectorsOf(where, body, input.length);
}

/** @throws EndpointError for another number of vectors, or no numbers */
function vectorsOf(where: string, body: JsonRow, count: number): number[][] {
  const data = Array.isArray(body.data) ? (body.data as JsonRow[]) : [];
  const vectors = [...data]
    .sort((a, b) => Number(a?.index ?? 0) - Number(b?.index ?? 0))
    .map((each) => each?.embedding);
  if (vectors.length === count && vectors.every(isVector)) return vectors as number[][];
  throw malformed(where, `expected ${count} vectors`, body);
}

const isVector = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((each) => Number.isFinite(each));
