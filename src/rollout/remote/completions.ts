/**
 * `POST /completions`: the prompt goes as token ids, so that the server tokenises nothing. vLLM and SGLang
 * give the ids that they sampled back (`return_token_ids`).
 */
import {
  type ApiForm,
  countOf,
  finishOf,
  idsOf,
  listOf,
  logprobsOf,
  rowOf,
  samplingFields,
  textOf,
} from './api.js';

export const completionsApi: ApiForm = {
  path: '/completions',
  body: ({ model, request, params, seed, extra }) => ({
    model,
    prompt: [...request.promptIds],
    max_tokens: Math.min(params.maxNewTokens, request.maxNewTokens ?? params.maxNewTokens),
    ...samplingFields(params),
    seed,
    logprobs: 0,
    return_token_ids: true,
    ...extra,
  }),
  answer(body) {
    const choice = listOf(body.choices)[0];
    if (choice === undefined || typeof choice.text !== 'string') {
      throw new Error('its answer holds no choices[0].text');
    }
    const values = rowOf(choice.logprobs).token_logprobs;
    const usage = rowOf(body.usage);
    return {
      text: choice.text,
      ids: idsOf(choice.token_ids),
      logprobs: Array.isArray(values) ? logprobsOf(values) : new Float32Array(0),
      finishReason: finishOf(choice.finish_reason),
      reasoning: textOf(choice.reasoning) || null,
      usage: {
        promptTokens: countOf(usage.prompt_tokens),
        completionTokens: countOf(usage.completion_tokens),
        reasoningTokens: countOf(rowOf(usage.completion_tokens_details).reasoning_tokens),
      },
    };
  },
};
