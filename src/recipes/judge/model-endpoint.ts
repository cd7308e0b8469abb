/**
 * A model of one's own in the place of a judge's server: its chat completions are sampled here, by our engine
 * and under our constrained decoding. It is an endpoint like others, so that answers are kept by content,
 * bounded and counted in the same way. Requests that wait together are sampled together.
 */
import type { JudgeConfig } from '../../config/index.js';
import {
  type Endpoint,
  type EndpointReply,
  endpointSettings,
  openEndpoint,
  type Transport,
} from '../../endpoint/index.js';
import {
  type Completion,
  PLAIN_SAMPLING,
  type RolloutSampler,
  type TokenConstraint,
} from '../../rollout/index.js';
import { type ChatRow, renderPrompt } from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import { type JsonRow, sha256 } from '../../util/files.js';
import { adapterHash } from '../../weights/index.js';
import type { RecipeContext } from '../context.js';
import { renderOptions } from '../dataset.js';
import { fileStamps } from '../file-stamps.js';
import { type ModelSource, openModel } from '../model-source.js';
import { responseConstraint } from '../response-format.js';
import { openSampler } from '../sampling.js';
import { type LocalChat, readChat, refusedLocally } from './chat-request.js';
import { gathered } from './gathered.js';

export interface ModelEndpoint {
  readonly endpoint: Endpoint;
  readonly close: () => void;
}

interface OpenOptions {
  readonly model: string;
  readonly context: RecipeContext;
  readonly threads: number | null;
}

/** @throws InputError as `openModel`, and where `max_new_tokens` leaves no room for a prompt */
export async function openModelEndpoint(
  judge: JudgeConfig,
  { model, context, threads }: OpenOptions,
): Promise<ModelEndpoint> {
  const source = await openModel({ model }, context);
  try {
    const maxContext = Math.min(judge.max_context, source.spec.maxPositions);
    checkRoom(judge, maxContext);
    const sampler = await openSampler(source, {
      threads,
      maxBatch: judge.max_concurrency,
      maxPromptLength: maxContext - judge.max_new_tokens,
      maxNewTokens: judge.max_new_tokens,
    });
    const { signal } = context;
    const settings = endpointSettings({
      baseUrl: addressOf(source, judge),
      env: {},
      cacheDir: judge.cache_dir,
      maxConcurrency: judge.max_concurrency,
      signal,
    });
    const transport = modelTransport({ source, sampler, judge, maxContext, signal });
    return {
      endpoint: openEndpoint(settings, transport),
      close: () => {
        sampler.dispose();
        source.close();
      },
    };
  } catch (error) {
    source.close();
    throw error;
  }
}

function checkRoom({ max_new_tokens: longest }: JudgeConfig, maxContext: number): void {
  if (longest < maxContext) return;
  throw new InputError({
    where: 'judge.max_new_tokens',
    problem: `${longest} tokens leave no room for a prompt in the judge's context of ${maxContext}`,
    remedy: 'Lower it',
  });
}

/** Kept answers are those of this model: its files, its adapter and how it is asked. */
function addressOf(source: ModelSource, judge: JudgeConfig): string {
  const { baseName, baseDir, adapter } = source;
  const files = fileStamps(baseDir, (name) => /\.safetensors$|^tokenizer|^chat_/.test(name));
  const settings = [judge.prompt_template, judge.max_context, judge.max_new_tokens];
  const about = [baseName, files, adapter === null ? null : adapterHash(adapter), settings];
  return `http://local-model/${sha256(JSON.stringify(about)).slice(0, 16)}`;
}

interface Means {
  readonly source: ModelSource;
  readonly sampler: RolloutSampler;
  readonly judge: JudgeConfig;
  readonly maxContext: number;
  readonly signal: AbortSignal;
}

interface Asked {
  readonly chat: LocalChat;
  readonly promptIds: readonly number[];
}

function modelTransport({ source, sampler, judge, maxContext, signal }: Means): Transport {
  const constraintOf = constraints(source);
  const longest = judge.max_new_tokens;
  const sample = async (asked: readonly Asked[]): Promise<readonly Completion[]> => {
    const { temperature, topP, responseFormat } = asked[0]!.chat;
    const maxNewTokens = Math.max(...asked.map(({ chat }) => chat.maxNewTokens));
    const constraint = constraintOf(responseFormat);
    const params = { ...PLAIN_SAMPLING, temperature, topP, maxNewTokens, constraint, seed: 0 };
    const requests = asked.map(({ chat, promptIds }, i) => ({
      ...{ id: String(i), promptIds, n: 1 },
      ...{ seed: chat.seed, maxNewTokens: chat.maxNewTokens },
    }));
    const completions = await sampler.generate(requests, params, { signal });
    signal.throwIfAborted();
    return completions;
  };
  const sampleOne = gathered(sample, ({ chat: { temperature, topP, responseFormat } }) =>
    JSON.stringify([temperature, topP, responseFormat]),
  );
  return async (request) => {
    const start = performance.now();
    const chat = readChat(request, { maxNewTokens: longest });
    const row = { prompt: chat.messages } as unknown as ChatRow;
    const options = { prompt_template: judge.prompt_template, system_prompt: null };
    const promptIds = renderPrompt(source.tokenizer, row, renderOptions(options, 'judge'));
    if (promptIds.length + chat.maxNewTokens > maxContext) {
      const problem = `the prompt has ${promptIds.length} tokens and the answer up to ${chat.maxNewTokens}, the judge's context ${maxContext}`;
      throw refusedLocally('judge', problem, 'Shorten the prompt or raise judge.max_context');
    }
    return replyOf(await sampleOne({ chat, promptIds }), start);
  };
}

/** Compiled once for each format. */
function constraints({ tokenizer }: ModelSource) {
  const known = new Map<string, TokenConstraint | null>();
  return (format: JsonRow | null): TokenConstraint | null => {
    const key = JSON.stringify(format);
    const found = known.get(key) ?? responseConstraint(format, tokenizer, { isCompact: true });
    known.set(key, found);
    return found;
  };
}

function replyOf({ text, ids, promptIds, finishReason }: Completion, start: number): EndpointReply {
  const message = { role: 'assistant', content: text };
  return {
    body: {
      choices: [{ index: 0, message, finish_reason: finishReason }],
      usage: { prompt_tokens: promptIds.length, completion_tokens: ids.length },
    },
    latencyMs: performance.now() - start,
    isCached: false,
  };
}
