/**
 * Sampling on an OpenAI-compatible server. Each completion is a request of its own, with a seed of its own, so
 * that none depends on the others; the endpoint bounds how many are on their way, and tries again. Every
 * answer must name the model that was asked for: a server that answers by another one is an error.
 */
import { type Endpoint, EndpointError, malformed } from '../../endpoint/index.js';
import { GuardError, InputError, messageOf } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { type Adapter, adapterHash } from '../../weights/index.js';
import { sampleIndices } from '../engine/requests.js';
import { completionRng } from '../sampling/completion-rng.js';
import { checkSamplingParams } from '../sampling/params.js';
import type {
  Completion,
  FinishReason,
  GenerateOptions,
  PromptRequest,
  Sampler,
  SamplingParams,
  SyncResult,
} from '../types.js';
import { inWaves } from '../waves.js';
import type { ApiForm, RemoteAnswer, RemoteApi } from './api.js';
import { chatApi, completionsApi } from './choices.js';
import { promptLogprobs } from './prompt-logprobs.js';
import { responsesApi } from './responses.js';
import { loadAdapter, unloadAdapter } from './server-adapters.js';

const APIS = {
  completions: completionsApi,
  chat: chatApi,
  responses: responsesApi,
} as const satisfies Record<RemoteApi, ApiForm>;

export interface RemoteSamplerOptions {
  readonly endpoint: Endpoint;
  /** Name of the base model on the server. */
  readonly model: string;
  readonly api: RemoteApi;
  /** Further fields of every request, e.g. `response_format`, or `reasoning` of the Responses form. */
  readonly extra?: JsonRow;
  /** Folder that the server sees as well, for adapters; without it none can be loaded. */
  readonly adapterDir?: string | null;
}

/** A completion with what only servers tell. */
export interface RemoteCompletion extends Completion, Pick<RemoteAnswer, 'reasoning' | 'usage'> {}

export interface RemoteSampler extends Sampler {
  generate(
    requests: readonly PromptRequest[],
    params: SamplingParams,
    options?: GenerateOptions,
  ): Promise<RemoteCompletion[]>;
  setAdapter(adapter: Adapter | null, version?: string): Promise<SyncResult>;
}

export function createRemoteSampler(options: RemoteSamplerOptions): RemoteSampler {
  return new ServerSampler(options);
}

interface Job {
  readonly request: PromptRequest;
  readonly sampleIndex: number;
}

class ServerSampler implements RemoteSampler {
  adapterHash: string | null = null;
  private readonly options: RemoteSamplerOptions;
  /** Name that requests go to: the base model's, or that of the loaded adapter. */
  private served: string;

  constructor(options: RemoteSamplerOptions) {
    this.options = options;
    this.served = options.model;
  }

  async generate(
    requests: readonly PromptRequest[],
    params: SamplingParams,
    { next = async () => null, ...options }: GenerateOptions = {},
  ): Promise<RemoteCompletion[]> {
    checkSamplingParams(params);
    return await inWaves(requests, next, (wave) => this.generateWave(wave, params, options));
  }

  private async generateWave(
    requests: readonly PromptRequest[],
    params: SamplingParams,
    { signal, onCompletion }: GenerateOptions,
  ): Promise<RemoteCompletion[]> {
    this.check(requests, params);
    const failed = new AbortController();
    const signals = [failed.signal, ...(signal === undefined ? [] : [signal])];
    const stop = AbortSignal.any(signals);
    const jobs = requests.flatMap((request) =>
      sampleIndices(request).map((sampleIndex) => ({ request, sampleIndex })),
    );
    const one = async (job: Job): Promise<RemoteCompletion> => {
      try {
        const completion = await this.complete(job, params, stop);
        onCompletion?.(completion);
        return completion;
      } catch (error) {
        if (signal?.aborted !== true) failed.abort();
        else return this.unspoken(job, 'aborted');
        throw error;
      }
    };
    return await Promise.all(jobs.map(one));
  }

  async score(sequences: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const { endpoint } = this.options;
    const asked = { model: this.served, checkServed: (reply: JsonRow) => this.checkServed(reply) };
    return await Promise.all(sequences.map((ids) => promptLogprobs(endpoint, ids, asked)));
  }

  async setAdapter(adapter: Adapter | null, _version?: string): Promise<SyncResult> {
    const start = performance.now();
    const { endpoint, model, adapterDir } = this.options;
    const former = this.served;
    const hash = adapterHash(adapter);
    if (hash !== this.adapterHash) {
      this.served =
        adapter === null ? model : await loadAdapter(endpoint, { adapter, dir: adapterDir });
      this.adapterHash = hash;
      if (former !== model) await unloadAdapter(endpoint, former);
    }
    return { hash, syncMs: performance.now() - start };
  }

  dispose(): void {}

  private check(requests: readonly PromptRequest[], { constraint }: SamplingParams): void {
    const { api } = this.options;
    if (constraint !== null) {
      throw new InputError({
        where: 'response_format',
        problem: 'a server constrains its answers itself',
        remedy: 'Hand the format over as a field of the request',
      });
    }
    for (const { id, promptIds, messages } of requests) {
      const isEmpty = api === 'completions' ? promptIds.length === 0 : !messages?.length;
      const problem = `api=${api} needs ${api === 'completions' ? 'token ids' : 'messages'}`;
      if (isEmpty) throw new InputError({ where: `request ${id}`, problem });
    }
  }

  private async complete(
    { request, sampleIndex }: Job,
    params: SamplingParams,
    signal: AbortSignal,
  ): Promise<RemoteCompletion> {
    const { api, extra = {} } = this.options;
    const form = APIS[api];
    // 31 bits
    const seed = completionRng(request, params.seed, sampleIndex).uint32() >>> 1;
    const body = form.body({ model: this.served, request, params, seed, extra });
    const start = performance.now();
    try {
      const reply = await this.post(form, body, signal);
      const seconds = (performance.now() - start) / 1000;
      return { ...this.unspoken({ request, sampleIndex }, 'stop'), ...reply, seconds };
    } catch (error) {
      if (!isFiltered(error)) throw error;
      return this.unspoken({ request, sampleIndex }, 'content_filter');
    }
  }

  private async post(form: ApiForm, body: JsonRow, signal: AbortSignal): Promise<RemoteAnswer> {
    const { endpoint } = this.options;
    const answerOf = (reply: JsonRow): RemoteAnswer => {
      this.checkServed(reply);
      try {
        return form.answer(reply);
      } catch (error) {
        throw malformed(endpoint.settings.baseUrl + form.path, messageOf(error), reply);
      }
    };
    const check = (reply: JsonRow): void => void answerOf(reply);
    const reply = await endpoint.post(form.path, body, { check, signal });
    return answerOf(reply.body);
  }

  /** A name with a date or a folder around it counts as the same base model; an adapter's must be equal. */
  private checkServed({ model }: JsonRow): void {
    if (typeof model !== 'string' || model === this.served) return;
    const isAdapter = this.served !== this.options.model;
    if (!isAdapter && (model.startsWith(this.served) || model.endsWith(this.served))) return;
    throw new GuardError({
      where: this.options.endpoint.settings.baseUrl,
      problem: `it answered by the model ${model}, asked for was ${this.served}`,
    });
  }

  /** A completion before anything of it came, or of which nothing comes. */
  private unspoken({ request, sampleIndex }: Job, finishReason: FinishReason): RemoteCompletion {
    return {
      requestId: request.id,
      sampleIndex,
      promptIds: request.promptIds,
      ids: [],
      text: '',
      logprobs: new Float32Array(0),
      finishReason,
      reasoning: null,
      usage: { promptTokens: null, completionTokens: null, reasoningTokens: null },
      adapter: this.adapterHash,
      seconds: 0,
    };
  }
}

/** Servers with a filter before the model, as Azure's, refuse a prompt by an error status. */
const isFiltered = (error: unknown): boolean =>
  error instanceof EndpointError && error.code === 'content_filter';
