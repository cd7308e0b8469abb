/**
 * The forms whose answer is a list of `choices`: `POST /completions`, where the prompt goes as token ids, so
 * that the server tokenises nothing, and `POST /chat/completions`, where the server renders the messages by
 * its own template. vLLM and SGLang give the ids that they sampled back (`return_token_ids`).
 */
import { contentText } from '../../endpoint/index.js';
import type { JsonRow } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';
import {
  type ApiForm,
  asksEffort,
  countOf,
  finishOf,
  idsOf,
  listOf,
  logprobsOf,
  type RemoteAnswer,
  type RemoteCall,
  rowOf,
  samplingFields,
  textOf,
} from './api.js';

type Spoken = Pick<RemoteAnswer, 'text' | 'logprobs' | 'reasoning'>;

/** What tells the two forms apart. */
interface ChoicesForm {
  readonly path: string;
  /** Fields that hold the prompt, and that ask for log-probabilities. */
  readonly fields: (call: RemoteCall) => JsonRow;
  /** Name of the field that bounds the completion. */
  readonly limit: (call: RemoteCall) => string;
  /** @throws Error naming what the choice lacks */
  readonly read: (choice: JsonRow | undefined) => Spoken;
}

const choicesApi = ({ path, fields, limit, read }: ChoicesForm): ApiForm => ({
  path,
  body: (call) => {
    const { model, request, params, seed, extra } = call;
    return {
      model,
      ...fields(call),
      [limit(call)]: Math.min(params.maxNewTokens, request.maxNewTokens ?? params.maxNewTokens),
      ...samplingFields(call),
      seed,
      ...extra,
    };
  },
  answer(body) {
    const choice = listOf(body.choices)[0];
    const { logprobs, ...spoken } = read(choice);
    const ids = idsOf(choice?.token_ids);
    const usage = rowOf(body.usage);
    return {
      ...spoken,
      ids,
      logprobs: ids.length > 0 && ids.length !== logprobs.length ? new Float32Array(0) : logprobs,
      finishReason: finishOf(choice?.finish_reason),
      usage: {
        promptTokens: countOf(usage.prompt_tokens),
        completionTokens: countOf(usage.completion_tokens),
        reasoningTokens: countOf(rowOf(usage.completion_tokens_details).reasoning_tokens),
      },
    };
  },
});

export const completionsApi = choicesApi({
  path: '/completions',
  fields: ({ request }) => ({
    prompt: [...request.promptIds],
    logprobs: 0,
    return_token_ids: true,
  }),
  limit: () => 'max_tokens',
  read: (choice) => {
    if (typeof choice?.text !== 'string') throw new Error('its answer holds no choices[0].text');
    const values = rowOf(choice.logprobs).token_logprobs;
    return {
      text: choice.text,
      logprobs: logprobsOf(Array.isArray(values) ? values : []),
      reasoning: textOf(choice.reasoning) || null,
    };
  },
});

export const chatApi = choicesApi({
  path: '/chat/completions',
  fields: ({ request: { messages }, extra }) => ({
    messages: [...(messages ?? [])],
    ...(!asksEffort(extra) && { logprobs: true }),
  }),
  limit: ({ extra }) => (asksEffort(extra) ? 'max_completion_tokens' : 'max_tokens'),
  read: (choice) => {
    const message = rowOf(choice?.message);
    const text = isObject(choice?.message) ? contentText(message.content) : null;
    if (text === null) throw new Error('its answer holds no choices[0].message');
    const tokens = listOf(rowOf(choice?.logprobs).content);
    return {
      text,
      logprobs: logprobsOf(tokens.map(({ logprob }) => logprob)),
      reasoning: textOf(message.reasoning_content) || textOf(message.reasoning) || null,
    };
  },
});
