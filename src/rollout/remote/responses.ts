/**
 * `POST /responses`: messages in, a list of outputs back, with the reasoning set apart and its tokens
 * counted. Of the sampling parameters it knows temperature and top-p only; it takes no seed.
 */
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import {
  type ApiForm,
  countOf,
  finishOf,
  listOf,
  logprobsOf,
  type RemoteCall,
  rowOf,
  samplingFields,
  textOf,
} from './api.js';

const KNOWN = new Set(['temperature', 'top_p']);

function checkFields(call: Pick<RemoteCall, 'params' | 'extra'>): JsonRow {
  const fields = samplingFields(call);
  const other = Object.keys(fields).find((key) => !KNOWN.has(key));
  if (other === undefined) return fields;
  throw new InputError({
    where: other,
    problem: 'the Responses form has no such parameter',
    remedy: 'Use api=chat or api=completions, or leave it out',
  });
}

export const responsesApi: ApiForm = {
  path: '/responses',
  body: ({ model, request, params, extra }) => ({
    model,
    input: [...(request.messages ?? [])],
    max_output_tokens: Math.min(params.maxNewTokens, request.maxNewTokens ?? params.maxNewTokens),
    ...checkFields({ params, extra }),
    store: false,
    ...extra,
  }),
  answer(body) {
    if (!Array.isArray(body.output)) throw new Error('its answer holds no output');
    const outputs = listOf(body.output);
    const parts = outputs
      .filter(({ type }) => type === 'message')
      .flatMap(({ content }) => listOf(content));
    const spoken = parts.filter(({ type }) => type === 'output_text');
    const thoughts = outputs
      .filter(({ type }) => type === 'reasoning')
      .flatMap(({ summary }) => listOf(summary).map(({ text }) => textOf(text)));
    const usage = rowOf(body.usage);
    return {
      text: spoken.map(({ text }) => textOf(text)).join(''),
      ids: [],
      logprobs: logprobsOf(
        spoken.flatMap(({ logprobs }) => listOf(logprobs).map((t) => t.logprob)),
      ),
      finishReason: responseFinish(body),
      reasoning: thoughts.length > 0 ? thoughts.join('\n\n') : null,
      usage: {
        promptTokens: countOf(usage.input_tokens),
        completionTokens: countOf(usage.output_tokens),
        reasoningTokens: countOf(rowOf(usage.output_tokens_details).reasoning_tokens),
      },
    };
  },
};

function responseFinish({ status, incomplete_details: details, error }: JsonRow) {
  if (status === 'completed') return finishOf('stop');
  if (status === 'incomplete') return finishOf(rowOf(details).reason);
  throw new Error(`its status is ${JSON.stringify(status)}: ${JSON.stringify(error ?? null)}`);
}
