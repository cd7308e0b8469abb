/**
 * The calls of Tinker's training API that SFT and RL with LoRA need, as its Python SDK 0.38 makes them. Requests
 * to one model are numbered (`seq_id`, from 1).
 */
import { RunError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { decodeMessage, encodeMessage } from './proto.js';
import { ask, post, type SessionOptions, textOf } from './requests.js';
import {
  type BatchedTensor,
  type Datum,
  datumMessage,
  float32s,
  int32s,
  perDatum,
} from './tensors.js';

/** Whose protocol this speaks. */
const SDK_VERSION = '0.38.0';
/** The service drops a session that is silent for long. */
const HEARTBEAT_MS = 10_000;

interface LoraOptions {
  readonly rank: number;
  readonly seed: number | null;
  readonly train_unembed: boolean;
  readonly train_mlp: boolean;
  readonly train_attn: boolean;
}

export type LossName = 'cross_entropy' | 'importance_sampling' | 'ppo';

export interface AdamParams {
  readonly learning_rate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weight_decay: number;
  /** 0 clips nothing. */
  readonly grad_clip_norm: number;
}

export interface LossOutput {
  readonly metrics: Readonly<Record<string, number>>;
  /** Log-probability of each target, by datum; null where the service sends none. */
  readonly logprobs: readonly (readonly number[])[] | null;
}

interface SampleParams {
  readonly max_tokens: number;
  readonly temperature: number;
  readonly top_p: number;
  readonly top_k: number;
  readonly seed: number;
  readonly stop?: readonly string[];
}

interface SampledTokens {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  readonly stopReason: 'stop' | 'length';
}

/** A model in training. Requests are sent one after the other and done in that order. */
export interface TinkerModel {
  readonly modelId: string;
  forwardBackward(
    data: readonly Datum[],
    loss: LossName,
    config?: Readonly<Record<string, number>>,
  ): Promise<LossOutput>;
  optimStep(adam: AdamParams): Promise<Readonly<Record<string, number>>>;
  /** Weights and optimizer state, to go on from. @returns their `tinker://` path */
  saveState(name: string): Promise<string>;
  /** Weights to sample from later. @returns their `tinker://` path */
  saveForSampler(name: string): Promise<string>;
  /** The weights as they are, for sampling now. */
  sampler(): Promise<TinkerSampler>;
}

export interface TinkerSampler {
  sample(prompt: readonly number[], count: number, params: SampleParams): Promise<SampledTokens[]>;
}

export interface TinkerSession {
  readonly sessionId: string;
  createModel(baseModel: string, lora: LoraOptions): Promise<TinkerModel>;
  /** A model that goes on from a saved state, its optimizer's too. */
  loadModel(path: string): Promise<TinkerModel>;
  close(): void;
}

/** @throws EndpointError when the service refuses the key or stays away */
export async function openSession(options: SessionOptions): Promise<TinkerSession> {
  const { endpoint, signal, log } = options;
  const created = await post(options, 'create_session', {
    sdk_version: SDK_VERSION,
    tags: ['lorikeet'],
    user_metadata: {},
  });
  const sessionId = textOf(created, 'session_id');
  for (const kind of ['info_message', 'warning_message', 'error_message']) {
    if (typeof created[kind] === 'string') log(`tinker: ${created[kind]}`);
  }
  let models = 0;
  let samplers = 0;
  const beat = setInterval(() => {
    const body = { type: 'session_heartbeat', session_id: sessionId };
    endpoint.post('/api/v1/session_heartbeat', body, { signal, attempts: 1 }).catch(() => {});
  }, HEARTBEAT_MS);
  beat.unref();
  const nextSampler = () => samplers++;
  const opened = async (
    call: 'create_model' | 'load_weights',
    made: JsonRow,
  ): Promise<TinkerModel> => {
    const own = { ...made, session_id: sessionId, model_seq_id: models++ };
    const { body } = await ask(options, call, own);
    return model(options, { modelId: textOf(body, 'model_id'), nextSampler });
  };
  return {
    sessionId,
    createModel: (baseModel, { seed, ...others }) =>
      opened('create_model', {
        base_model: baseModel,
        optimizer_config: { type: 'adamw' },
        lora_config: { ...others, ...(seed !== null && { seed }) },
      }),
    loadModel: (path) => opened('load_weights', { path, optimizer: true }),
    close: () => clearInterval(beat),
  };
}

interface ModelOptions {
  readonly modelId: string;
  /** Number of the next sampling session. */
  readonly nextSampler: () => number;
}

function model(options: SessionOptions, { modelId, nextSampler }: ModelOptions): TinkerModel {
  let requests = 0;
  const next = () => ({ model_id: modelId, seq_id: ++requests });
  return {
    modelId,
    async forwardBackward(data, lossFn, config = {}) {
      const bytes = encodeMessage('ForwardBackwardRequest', {
        modelId,
        seqId: ++requests,
        lossFn,
        data: data.map(datumMessage),
        lossFnConfig: config,
        lossFnConfigV2: Object.fromEntries(
          Object.entries(config).map(([name, number]) => [name, { number }]),
        ),
      });
      const reply = await ask(options, 'forward_backward', bytes);
      return lossOutput(reply.bytes);
    },
    async optimStep(adam) {
      const body = { ...next(), adam_params: { ...adam } };
      const reply = await ask(options, 'optim_step', body);
      return (reply.body.metrics ?? {}) as Record<string, number>;
    },
    async saveState(path) {
      const reply = await ask(options, 'save_weights', { ...next(), path, overwrite: true });
      return textOf(reply.body, 'path');
    },
    async saveForSampler(path) {
      const body = { ...next(), path, kind: 'snapshot' };
      const reply = await ask(options, 'save_weights_for_sampler', body);
      return textOf(reply.body, 'path');
    },
    async sampler() {
      const reply = await ask(options, 'save_weights_for_sampler', {
        ...next(),
        kind: 'snapshot',
        sampling_session_seq_id: nextSampler(),
      });
      return sampler(options, textOf(reply.body, 'sampling_session_id'));
    },
  };
}

function sampler(options: SessionOptions, sessionId: string): TinkerSampler {
  let requests = 0;
  return {
    async sample(prompt, count, params) {
      const { bytes } = await ask(options, 'asample', {
        type: 'sample',
        sampling_session_id: sessionId,
        seq_id: requests++,
        num_samples: count,
        sampling_params: { ...params },
        prompt: { chunks: [{ type: 'encoded_text', tokens: [...prompt] }] },
      });
      const { sequences } = decoded<SampleMessage>('SampleResponse', bytes);
      return sequences.map(({ tokens, logprobs, stopReason }) => ({
        tokens: int32s(tokens ?? NONE),
        logprobs: float32s(logprobs ?? NONE),
        stopReason: stopReason === 1 ? 'length' : 'stop',
      }));
    },
  };
}

const NONE = new Uint8Array();

interface SampleMessage {
  readonly sequences: readonly {
    readonly stopReason?: number;
    readonly tokens?: Uint8Array;
    readonly logprobs?: Uint8Array;
  }[];
}

interface OutputMessage {
  readonly metrics: Readonly<Record<string, number>>;
  readonly lossFnOutputs: readonly { readonly fields: Readonly<Record<string, BatchedTensor>> }[];
}

function lossOutput(bytes: Uint8Array | undefined): LossOutput {
  const { metrics, lossFnOutputs } = decoded<OutputMessage>('ForwardBackwardOutput', bytes);
  const logprobs = lossFnOutputs.flatMap(({ fields }) =>
    fields.logprobs === undefined ? [] : perDatum(fields.logprobs),
  );
  return { metrics, logprobs: logprobs.length === 0 ? null : logprobs };
}

function decoded<T>(name: 'ForwardBackwardOutput' | 'SampleResponse', bytes?: Uint8Array): T {
  if (bytes !== undefined) return decodeMessage<T>(name, bytes);
  throw new RunError({ where: 'Tinker', problem: `its ${name} is JSON, not Protocol Buffers` });
}
