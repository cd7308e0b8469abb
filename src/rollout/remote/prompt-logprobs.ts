/** log p of given tokens by a server: the log-probabilities of the prompt that vLLM gives (`prompt_logprobs`). */
import type { Endpoint } from '../../endpoint/index.js';
import { RunError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';

interface Asked {
  readonly model: string;
  /** Throws where another model has answered. */
  readonly checkServed: (reply: JsonRow) => void;
}

/** Of each token but the first. @throws RunError when the server does not give them */
export async function promptLogprobs(
  endpoint: Endpoint,
  ids: readonly number[],
  { model, checkServed }: Asked,
): Promise<Float32Array> {
  const { body } = await endpoint.post('/completions', {
    model,
    prompt: [...ids],
    max_tokens: 1,
    temperature: 0,
    prompt_logprobs: 0,
  });
  checkServed(body);
  const where = `${endpoint.settings.baseUrl}/completions`;
  const given = (body.choices as JsonRow[] | undefined)?.[0]?.prompt_logprobs;
  if (!Array.isArray(given) || given.length !== ids.length) {
    throw new RunError({
      where,
      problem: 'it gives no log-probabilities of the prompt',
      remedy: 'Score on a server that knows prompt_logprobs (vLLM), or locally',
    });
  }
  return Float32Array.from(ids.slice(1), (id, i) => {
    const { logprob } = (given[i + 1] as Record<string, { logprob?: number }> | null)?.[id] ?? {};
    if (typeof logprob === 'number') return logprob;
    const problem = `it gives no log-probability of token ${id} at position ${i + 1}`;
    throw new RunError({ where, problem });
  });
}
