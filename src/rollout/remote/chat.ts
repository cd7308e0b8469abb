/** `POST /chat/completions`: the server renders the messages by its own template. */
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

export const chatApi: ApiForm = {
  path: '/chat/completions',
  body: ({ model, request, params, seed, extra }) => ({
    model,
    messages: [...(request.messages ?? [])],
    max_tokens: Math.min(params.maxNewTokens, request.maxNewTokens ?? params.maxNewTokens),
    ...samplingFields(params),
    seed,
    logprobs: true,
    ...extra,
  }),
  answer(body) {
    const choice = listOf(body.choices)[0];
    const message = rowOf(choice?.message);
    if (choice === undefined || choice.message == null) {
      throw new Error('its answer holds no choices[0].message');
    }
    const tokens = listOf(rowOf(choice.logprobs).content);
    const usage = rowOf(body.usage);
    return {
      text: textOf(message.content),
      ids: idsOf(choice.token_ids),
      logprobs: logprobsOf(tokens.map(({ logprob }) => logprob)),
      finishReason: finishOf(choice.finish_reason),
      reasoning: textOf(message.reasoning_content) || textOf(message.reasoning) || null,
      usage: {
        promptTokens: countOf(usage.prompt_tokens),
        completionTokens: countOf(usage.completion_tokens),
        reasoningTokens: countOf(rowOf(usage.completion_tokens_details).reasoning_tokens),
      },
    };
  },
};
