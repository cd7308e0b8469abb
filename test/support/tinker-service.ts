/**
 * Tinker's protocol on loopback, as its SDK 0.38 speaks it: futures that are not ready at first, answers in JSON
 * or Protocol Buffers. It has no model: log-probabilities are −1, samples are those it is given.
 */
import { createServer, type ServerResponse } from 'node:http';
import { decodeMessage, encodeMessage } from '../../src/remote/tinker/proto.js';
import { type Loopback, onLoopback } from './loopback.js';
import { type Asked, type Json, readRequest } from './replay-server.js';

interface ForwardBackwardMessage {
  readonly modelId: string;
  readonly seqId: number;
  readonly lossFn: string;
  readonly lossFnConfig: Readonly<Record<string, number>>;
  readonly data: readonly {
    readonly modelInput: readonly { readonly encodedText: { readonly tokens: Uint8Array } }[];
    readonly lossFnInputs: Readonly<Record<string, { readonly dense: Uint8Array }>>;
  }[];
}

export interface TinkerService extends Loopback {
  readonly asked: Asked[];
  /** By path below `/api/v1/`. */
  of(name: string): Asked[];
  /** Requests of forward-backward passes, read. */
  passes(): ForwardBackwardMessage[];
}

export interface TinkerServiceOptions {
  /** Samples of a prompt: token ids, all of log-probability −0.5. */
  readonly samples?: (prompt: readonly number[], count: number) => readonly (readonly number[])[];
  /** Results in JSON say `error: null`. */
  readonly isErrorNull?: boolean;
  /** Answers in place of the usual ones; null for the usual one. `close` breaks the connection. */
  readonly trouble?: (name: string, times: number) => Trouble | 'close' | null;
}

interface Trouble {
  readonly status: number;
  readonly body: Json;
}

/** Result of a request: JSON, or a message. */
type Result = Json | Uint8Array;

export async function tinkerService(options: TinkerServiceOptions = {}): Promise<TinkerService> {
  const asked: Asked[] = [];
  const results = new Map<string, Result>();
  const waited = new Set<string>();
  const times = new Map<string, number>();
  const nameOf = ({ request }: Asked) => request.replace('POST /api/v1/', '');

  const future = (id: string): Trouble => {
    if (waited.has(id)) {
      const result = results.get(id) as Json;
      const isPlain = options.isErrorNull === true && !((result as unknown) instanceof Uint8Array);
      return { status: 200, body: isPlain ? { ...result, error: null } : result };
    }
    waited.add(id);
    const isEven = waited.size % 2 === 0;
    const body = { type: 'try_again', request_id: id, queue_state: 'active' };
    return { status: isEven ? 408 : 200, body };
  };

  const answer = (own: Asked): Trouble => {
    const name = nameOf(own);
    const count = times.get(name) ?? 0;
    times.set(name, count + 1);
    const trouble = options.trouble?.(name, count) ?? null;
    if (trouble === 'close') throw new Error('closed');
    if (trouble !== null) return trouble;
    if (name === 'create_session') return { status: 200, body: { session_id: 'session-1' } };
    if (name === 'session_heartbeat') return { status: 200, body: {} };
    if (name === 'retrieve_future') return future(String(own.body?.request_id));
    const id = `request-${results.size}`;
    results.set(id, resultOf(name, own, options));
    const samples = name === 'asample' ? Number(own.body?.num_samples) : 0;
    const sequences = Array.from({ length: samples }, (_, i) => `${id}-${i}`);
    const ids = sequences.length > 0 ? { sample_sequence_ids: sequences } : {};
    return { status: 200, body: { request_id: id, ...ids } };
  };

  const server = createServer((request, response) => {
    readRequest(request)
      .then((own) => {
        asked.push(own);
        send(response, answer(own));
      })
      .catch(() => request.socket.destroy());
  });
  const of = (name: string) => asked.filter((each) => nameOf(each) === name);
  return {
    ...(await onLoopback(server)),
    asked,
    of,
    passes: () =>
      of('forward_backward').map(({ bytes }) => decodeMessage('ForwardBackwardRequest', bytes)),
  };
}

function send(response: ServerResponse, { status, body }: Trouble): void {
  const isProto = (body as unknown) instanceof Uint8Array;
  const type = isProto ? 'application/x-protobuf' : 'application/json';
  response.writeHead(status, { 'content-type': type });
  response.end(isProto ? body : JSON.stringify(body));
}

function resultOf(name: string, own: Asked, { samples }: TinkerServiceOptions): Result {
  const body = own.body ?? {};
  if (name === 'create_model' || name === 'load_weights') return { model_id: `model-${name}` };
  if (name === 'optim_step') return { metrics: { 'unclipped_grad_l2:mean': 0.25 } };
  if (name === 'forward_backward') return passOutput(own.bytes);
  if (name === 'asample') return sampleOutput(body, samples);
  if (body.sampling_session_seq_id !== undefined) return { sampling_session_id: 'sampling-1' };
  return { path: `tinker://model/${name}/${String(body.path)}` };
}

function passOutput(bytes: Buffer): Uint8Array {
  const { data } = decodeMessage<ForwardBackwardMessage>('ForwardBackwardRequest', bytes);
  const lengths = data.map(({ lossFnInputs }) => lossFnInputs.target_tokens!.dense.length / 8);
  const ends = [0];
  for (const length of lengths) ends.push(ends.at(-1)! + 4 * length);
  const values = new Float32Array(ends.at(-1)! / 4).fill(-1);
  const logprobs = {
    data: new Uint8Array(values.buffer),
    offsets: new Uint8Array(BigInt64Array.from(ends, BigInt).buffer),
    dtype: 1,
  };
  return encodeMessage('ForwardBackwardOutput', {
    lossFnOutputs: [{ fields: { logprobs }, numDatums: data.length }],
    metrics: { 'loss:sum': 1 },
  });
}

function sampleOutput(body: Json, samples: TinkerServiceOptions['samples']): Uint8Array {
  const { chunks } = body.prompt as { chunks: { tokens: number[] }[] };
  const sequences = samples?.(chunks[0]!.tokens, Number(body.num_samples)) ?? [];
  return encodeMessage('SampleResponse', {
    sequences: sequences.map((ids) => ({
      stopReason: 0,
      tokens: new Uint8Array(Int32Array.from(ids).buffer),
      logprobs: new Uint8Array(new Float32Array(ids.length).fill(-0.5).buffer),
    })),
  });
}
