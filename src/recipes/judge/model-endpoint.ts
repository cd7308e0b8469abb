/**
 * A model of one's own in the place of a judge's server: its chat completions are sampled here, by our engine
 * and under our constrained decoding. It is an endpoint like others, so that answers are kept by content,
 * bounded and counted in the same way.
 */
import { join } from 'node:path';
import type { JudgeConfig } from '../../config/index.js';
import {
  type Endpoint,
  type EndpointReply,
  endpointSettings,
  openEndpoint,
  type Transport,
} from '../../endpoint/index.js';
import type { Completion } from '../../rollout/index.js';
import { type ChatRow, renderPrompt } from '../../tokenizer/index.js';
import { sha256, sha256OfFile } from '../../util/files.js';
import { adapterHash } from '../../weights/index.js';
import { samplerFingerprint } from '../inputs/base-fingerprint.js';
import { checkVariables } from '../inputs/open-tokenizer.js';
import { renderOptions } from '../inputs/render-options.js';
import { readChat, refusedLocally } from './chat-request.js';
import { holdJudgeModel, type JudgeModel, type JudgeModelOptions } from './judge-model.js';

export interface ModelEndpoint {
  readonly endpoint: Endpoint;
  readonly close: () => void;
}

/** @throws InputError as `holdJudgeModel` */
export async function openModelEndpoint(
  judge: JudgeConfig,
  options: JudgeModelOptions,
): Promise<ModelEndpoint> {
  const { resource: model, release } = await holdJudgeModel(judge, options);
  try {
    const { chatTemplate } = model.source.tokenizer;
    checkVariables(
      Object.keys(judge.chat_template_kwargs),
      judge.prompt_template === null ? chatTemplate : null,
    );
    const { signal } = options.context;
    const settings = endpointSettings({
      baseUrl: addressOf(model, judge),
      env: {},
      cacheDir: judge.cache_dir,
      maxConcurrency: judge.max_concurrency,
      signal,
    });
    const transport = modelTransport(model, { judge, signal });
    return { endpoint: openEndpoint(settings, transport), close: release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Kept answers are those of this model: its base, its tokenizer, its adapter, what it computes in and how it is asked. */
function addressOf({ source, rollouts }: JudgeModel, judge: JudgeConfig): string {
  const { adapter, tokenizer } = source;
  const { device, precision } = rollouts;
  const tokenizerFiles = tokenizer.files.map((name) => sha256OfFile(join(tokenizer.dir, name)));
  const { prompt_template, chat_template_kwargs, max_context, max_new_tokens } = judge;
  const settings = [prompt_template, chat_template_kwargs, max_context, max_new_tokens];
  const model = [samplerFingerprint(source), tokenizerFiles, adapterHash(adapter)];
  const about = [model, device, precision, settings];
  return `http://local-model/${sha256(JSON.stringify(about)).slice(0, 16)}`;
}

function modelTransport(
  { source, maxContext, sample }: JudgeModel,
  { judge, signal }: { readonly judge: JudgeConfig; readonly signal: AbortSignal },
): Transport {
  return async (request) => {
    const start = performance.now();
    const chat = readChat(request, { maxNewTokens: judge.max_new_tokens });
    const row = { prompt: chat.messages } as unknown as ChatRow;
    const options = { ...judge, system_prompt: null };
    const promptIds = renderPrompt(source.tokenizer, row, renderOptions(options, 'judge'));
    if (promptIds.length + chat.maxNewTokens > maxContext) {
      const problem = `the prompt has ${promptIds.length} tokens and the answer up to ${chat.maxNewTokens}, the judge's context ${maxContext}`;
      throw refusedLocally('judge', problem, 'Shorten the prompt or raise judge.max_context');
    }
    return replyOf(await sample({ chat, promptIds, signal }), start);
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
