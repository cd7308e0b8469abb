/** The body of `POST /v1/chat/completions` or `/v1/completions` → what to sample and how to answer. */
import { type ChatRow, type RenderOptions, renderPrompt } from '../../tokenizer/index.js';
import { counted } from '../../util/counted.js';
import type { JsonRow } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';
import { checkVariables } from '../inputs/open-tokenizer.js';
import type { ServedModel } from '../sampling/served-models.js';
import { ApiError, asApiError, fieldError } from './api-error.js';
import { Fields } from './fields.js';
import { readMessages } from './read-messages.js';
import { checkIds, readSampling, type SamplingFields } from './read-sampling.js';
import { readTools } from './read-tools.js';
import type { ServingSettings } from './settings.js';

export type Endpoint = 'chat' | 'completions';

export interface Ask extends SamplingFields {
  readonly endpoint: Endpoint;
  readonly model: ServedModel;
  /** Token ids. */
  readonly prompts: readonly (readonly number[])[];
  readonly isStream: boolean;
  /** A last chunk with the counts of tokens. */
  readonly includesUsage: boolean;
  readonly givesLogprobs: boolean;
  /** Of each token the likeliest in its place; 0 to 20. */
  readonly topLogprobs: number;
  /** Answers may be calls of tools. */
  readonly hasTools: boolean;
  readonly givesTokenIds: boolean;
}

/** As at OpenAI in chats, where texts have 5 at most. */
const MAX_TOP_LOGPROBS = 20;

/** They say who asks, or how OpenAI's own service is to treat it. */
const IGNORED = [
  ...['user', 'metadata', 'store', 'service_tier', 'safety_identifier', 'prompt_cache_key'],
];

/** @throws ApiError naming the field, its value and what to do */
export function readRequest(endpoint: Endpoint, body: JsonRow, settings: ServingSettings): Ask {
  const fields = new Fields(body);
  const model = modelOf(fields, settings);
  const sampling = readSampling(fields, {
    defaults: settings.params,
    vocabSize: model.source.spec.vocabSize,
    constraintOf: (format) => settings.constraintOf(format, model),
  });
  const isStream = fields.boolean('stream') ?? false;
  const includesUsage = readUsage(fields, isStream);
  const givesTokenIds = fields.boolean('return_token_ids') ?? false;
  fields.ignore(...IGNORED);
  const read = endpoint === 'chat' ? readChat : readCompletion;
  checkCount(sampling.n, 1, settings);
  const { prompts, ...told } = read(fields, model, { ...settings, n: sampling.n });
  fields.finish();
  const shared = { endpoint, model, isStream, includesUsage, givesTokenIds, ...told };
  return { ...shared, prompts, ...fitted(sampling, prompts, settings) };
}

function modelOf(fields: Fields, { models }: ServingSettings): ServedModel {
  const name = fields.text('model');
  if (name === undefined) return models[0];
  const found = models.find((model) => model.name === name);
  if (found !== undefined) return found;
  const known = models.map((model) => model.name).join(', ');
  throw new ApiError(`model: there is no model "${name}" here. Served are ${known}`, {
    status: 404,
    param: 'model',
    code: 'model_not_found',
  });
}

function readUsage(fields: Fields, isStream: boolean): boolean {
  const options = fields.nested('stream_options');
  if (options === undefined) return false;
  if (!isStream) throw fieldError('stream_options', 'it needs stream: true');
  options.ignore('include_obfuscation');
  const includesUsage = options.boolean('include_usage') ?? false;
  options.finish();
  return includesUsage;
}

/** @throws ApiError for more completions than the queue can hold, whatever waits */
function checkCount(n: number, prompts: number, { maxQueue }: ServingSettings): void {
  if (n * prompts <= maxQueue) return;
  const asked = prompts === 1 ? `${n}` : `${n} each of ${counted(prompts, 'prompt')}`;
  throw fieldError(
    prompts === 1 ? 'n' : 'prompt',
    `${asked} are more completions than the queue holds (${maxQueue})`,
    'Ask for fewer at a time, or serve with a larger max_queue',
  );
}

type ReadSettings = ServingSettings & Pick<SamplingFields, 'n'>;

type Prompts = Pick<Ask, 'prompts' | 'givesLogprobs' | 'topLogprobs' | 'hasTools'>;

function readChat(fields: Fields, model: ServedModel, { render }: ReadSettings): Prompts {
  if (fields.texts('modalities')?.some((kind) => kind !== 'text')) {
    throw fieldError('modalities', 'the answers are text', 'Leave it out');
  }
  const { tokenizer } = model.source;
  const template = render.promptTemplate === undefined ? tokenizer.chatTemplate : null;
  const tools = readTools(fields, template, tokenizer);
  const row = { messages: readMessages(fields, template), ...(tools && { tools }) };
  const templateArgs = { ...render.templateArgs, ...readVariables(fields, template) };
  const options = { ...render, templateArgs, where: 'request' };
  return {
    prompts: [rendered(model, row, 'messages', options)],
    hasTools: tools !== null,
    ...readChatLogprobs(fields),
  };
}

function readChatLogprobs(fields: Fields): Pick<Ask, 'givesLogprobs' | 'topLogprobs'> {
  const givesLogprobs = fields.boolean('logprobs') ?? false;
  const topLogprobs = fields.whole('top_logprobs', 0, MAX_TOP_LOGPROBS) ?? 0;
  if (givesLogprobs || topLogprobs === 0) return { givesLogprobs, topLogprobs };
  throw fieldError('top_logprobs', 'it needs logprobs: true');
}

function readVariables(fields: Fields, template: string | null): JsonRow {
  const variables = fields.mapping('chat_template_kwargs') ?? {};
  try {
    checkVariables(Object.keys(variables), template);
  } catch (error) {
    throw asApiError(error, 'chat_template_kwargs');
  }
  return variables;
}

function readCompletion(fields: Fields, model: ServedModel, settings: ReadSettings): Prompts {
  const { render, n } = settings;
  fields.refuse('echo', 'the prompt is not part of the answer', [false]);
  fields.refuse('suffix', 'the model writes what follows only', ['']);
  fields.refuse('best_of', 'it samples and hides completions; n gives them all', [1, n]);
  const logprobs = fields.whole('logprobs', 0, MAX_TOP_LOGPROBS);
  const given = promptList(fields.raw('prompt'));
  checkCount(n, given.length, settings);
  const prompts = given.map((prompt) => {
    if (typeof prompt === 'string')
      return rendered(model, { prompt }, 'prompt', { ...render, where: 'request' });
    checkIds('prompt', prompt, model.source.spec.vocabSize);
    return prompt;
  });
  const givesLogprobs = logprobs !== undefined;
  return { prompts, givesLogprobs, topLogprobs: logprobs ?? 0, hasTools: false };
}

/** A text, token ids, or a list of one of them. */
function promptList(prompt: unknown): readonly (string | readonly number[])[] {
  if (typeof prompt === 'string') return [prompt];
  const isIds = (value: unknown): value is number[] =>
    Array.isArray(value) && value.length > 0 && value.every((id) => Number.isSafeInteger(id));
  if (isIds(prompt)) return [prompt];
  const list: unknown[] = Array.isArray(prompt) ? prompt : [];
  const isPrompt = (one: unknown): one is string | number[] =>
    typeof one === 'string' || isIds(one);
  if (list.length > 0 && list.every(isPrompt)) return list;
  throw fieldError('prompt', 'it is neither a text nor token ids, nor a list of them');
}

/** By the code that `generate` renders by, so that a prompt's tokens are the same. */
function rendered(
  { source }: ServedModel,
  row: ChatRow,
  param: string,
  options: RenderOptions,
): number[] {
  try {
    return renderPrompt(source.tokenizer, row, options);
  } catch (error) {
    throw asApiError(error, param);
  }
}

/** The length that the context leaves. @throws ApiError where it leaves too little */
function fitted(
  sampling: SamplingFields,
  prompts: readonly (readonly number[])[],
  { maxContext }: ServingSettings,
): SamplingFields {
  const longest = prompts.reduce((most, { length }) => Math.max(most, length), 0);
  const room = maxContext - longest;
  const { params, isLengthGiven } = sampling;
  const wanted = isLengthGiven ? params.maxNewTokens : 1;
  if (room < wanted) {
    const message = `the prompt has ${counted(longest, 'token')} and the answer up to ${wanted}, the context ${maxContext}. Shorten the prompt, lower max_tokens, or serve with a larger max_model_len`;
    throw new ApiError(message, { param: 'max_tokens', code: 'context_length_exceeded' });
  }
  const maxNewTokens = Math.min(params.maxNewTokens, room);
  if (params.minNewTokens > maxNewTokens) {
    const problem = `${params.minNewTokens} is more than the ${counted(maxNewTokens, 'token')} that the answer may have`;
    throw fieldError('min_tokens', problem, 'Lower it, or raise max_tokens');
  }
  return { ...sampling, params: { ...params, maxNewTokens } };
}

export const asBody = (value: unknown): JsonRow => {
  if (isObject(value)) return value;
  throw new ApiError('the body is not a JSON object');
};
