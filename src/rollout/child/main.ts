/**
 * The process that computes for a `ChildSampler`: answers its calls, and ends with it. An interrupt at the
 * terminal reaches both; the parent decides what to finish.
 */
import { loadTokenizer } from '../../tokenizer/index.js';
import { createOnnxSampler, type OnnxSampler } from '../engine/onnx-sampler.js';
import type { Completion, PromptRequest } from '../types.js';
import { GenerateCall, type ReceivingTokenizer } from './generate-call.js';
import { type CallName, type Calls, type Reply, type Request, sentError } from './messages.js';

let sampler: OnnxSampler;
let tokenizer: ReceivingTokenizer;
/** Calls of `generate` under way. */
const calls = new Map<number, GenerateCall>();
const questions = new Map<number, (next: PromptRequest | null) => void>();
let asked = 0;
const send = (reply: Reply) => process.send?.(reply);

const ANSWERS: {
  readonly [Name in CallName]: (args: Calls[Name], id: number) => unknown;
} = {
  async open({ options: { tokenizerDir, eosIds, ...options } }) {
    const own =
      tokenizerDir === null
        ? { eosIds: [], decode: () => '', tokenBytes: () => [] }
        : await loadTokenizer(tokenizerDir);
    tokenizer = { ...own, ...(eosIds !== undefined && { eosIds }) };
    sampler = await createOnnxSampler({ ...options, tokenizer });
    return null;
  },
  async generate({ requests, params, streams, asksNext, takesMore, tellsFailures }, id) {
    const call = new GenerateCall(tokenizer);
    calls.set(id, call);
    try {
      return await sampler.generate(call.received(requests), call.paramsOf(params), {
        signal: call.signal,
        onCompletion: (completion) => {
          call.completed(completion.requestId);
          send({ id, completion });
        },
        ...(asksNext && { next: (completion) => ask(id, completion) }),
        ...(streams && { onToken: (token) => send({ id, token }) }),
        ...(tellsFailures && {
          onFailure: (failed, error) => send({ id, failed, why: sentError(error) }),
        }),
        ...(takesMore && { arrivals: () => call.arrivals() }),
      });
    } finally {
      calls.delete(id);
    }
  },
  score: ({ sequences }) => sampler.score(sequences),
  setAdapter: ({ adapter, version }) => sampler.setAdapter(adapter, version),
  reloadWeights: ({ weights, version }) => sampler.reloadWeights(weights, version),
};

function ask(id: number, completion: Completion): Promise<PromptRequest | null> {
  const question = asked++;
  return new Promise((resolve) => {
    questions.set(question, resolve);
    send({ id, question, completion });
  });
}

async function answer(request: Request): Promise<void> {
  if ('question' in request) {
    questions.get(request.question)?.(request.next);
    questions.delete(request.question);
    return;
  }
  if ('abort' in request) {
    calls.get(request.abort)?.end(request.request);
    return;
  }
  if ('join' in request) {
    calls.get(request.join)?.join(request.requests);
    return;
  }
  const { id, call, args } = request;
  try {
    const run = ANSWERS[call] as (args: unknown, id: number) => unknown;
    send({ id, result: (await run(args, id)) as never });
  } catch (error) {
    send({ id, error: sentError(error) });
  }
}

process.on('message', (request: Request) => void answer(request));
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => {});
