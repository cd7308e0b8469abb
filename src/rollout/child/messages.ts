/** What a sampler and the process that computes for it say to each other. */
import { GuardError, InputError, RunError, SetupError } from '../../util/errors.js';
import type { Adapter } from '../../weights/index.js';
import type { OnnxSamplerOptions } from '../engine/sampler-options.js';
import type { SessionModel } from '../ort/session.js';
import type {
  Completion,
  PromptRequest,
  SamplingParams,
  SchemaSource,
  StreamRequest,
  StreamToken,
  SyncResult,
} from '../types.js';

/** Options that can be sent: the model as its files, the tokenizer as its folder. */
type SentOptions = Omit<OnnxSamplerOptions, 'weights' | 'tokenizer'> & {
  readonly weights: SessionModel;
  readonly tokenizerDir: string | null;
  readonly eosIds: readonly number[] | undefined;
};

/** A constraint goes as what it is made of. */
export type SentParams = Omit<SamplingParams, 'constraint'> & {
  readonly schema: SchemaSource | null;
};

/** A request whose end, where it may have one of its own, is told by a message. */
export type SentRequest = Omit<StreamRequest, 'params' | 'signal'> & {
  readonly params?: SentParams;
  readonly mayEnd: boolean;
};

/** @throws InputError for a constraint that cannot be made anew */
export function sentParams({ constraint, ...params }: SamplingParams): SentParams {
  if (constraint === null) return { ...params, schema: null };
  if (constraint.source !== undefined) return { ...params, schema: constraint.source };
  throw new InputError({
    where: 'constraint',
    problem: 'a sampler in a process of its own takes that of a schema only',
    remedy: 'Make it by schemaConstraint, or use rollout_device=cpu or rollout_device=webgpu',
  });
}

/** @throws InputError as `sentParams` */
export const sentRequest = ({ params, signal, ...request }: StreamRequest): SentRequest => ({
  ...request,
  ...(params !== undefined && { params: sentParams(params) }),
  mayEnd: signal !== undefined,
});

/** Calls, by their arguments. */
export interface Calls {
  readonly open: { readonly options: SentOptions };
  readonly generate: {
    readonly requests: readonly SentRequest[];
    readonly params: SentParams;
    /** Whether each token is told. */
    readonly streams: boolean;
    /** Whether requests may come later. */
    readonly takesMore: boolean;
    /** Whether a request may fail alone. */
    readonly tellsFailures: boolean;
    /** Asks what follows from each completion, and waits for the answer. */
    readonly asksNext: boolean;
  };
  readonly score: { readonly sequences: readonly (readonly number[])[] };
  readonly setAdapter: { readonly adapter: Adapter | null; readonly version: string | undefined };
  readonly reloadWeights: { readonly weights: SessionModel; readonly version: string };
}

export interface Results {
  readonly open: null;
  readonly generate: Completion[];
  readonly score: Float32Array[];
  readonly setAdapter: SyncResult;
  readonly reloadWeights: SyncResult;
}

export type CallName = keyof Calls;

/** To the process. */
export type Request =
  | { readonly id: number; readonly call: CallName; readonly args: Calls[CallName] }
  /** Ends a call, or one request of it. */
  | { readonly abort: number; readonly request?: string }
  /** Requests that join a call; one that has ended meanwhile takes none. */
  | { readonly join: number; readonly requests: readonly SentRequest[] }
  /** What follows from a completion, by the number of the question. */
  | { readonly question: number; readonly next: PromptRequest | null };

/** From the process. */
export type Reply =
  | { readonly id: number; readonly result: Results[CallName] }
  | { readonly id: number; readonly completion: Completion }
  | { readonly id: number; readonly question: number; readonly completion: Completion }
  | { readonly id: number; readonly token: StreamToken }
  /** A request that failed alone. */
  | { readonly id: number; readonly failed: string; readonly why: SentError }
  | { readonly id: number; readonly error: SentError };

const CLASSES = { InputError, SetupError, RunError, GuardError } as const;

/** An error of ours by its class and message; of any other, which is a fault of the program, the trace. */
export interface SentError {
  readonly kind: keyof typeof CLASSES | null;
  readonly message: string;
}

export function sentError(error: unknown): SentError {
  const name = error instanceof Error ? error.name : '';
  const kind = Object.hasOwn(CLASSES, name) ? (name as keyof typeof CLASSES) : null;
  const text = error instanceof Error ? (kind === null ? error.stack : error.message) : undefined;
  return { kind, message: text ?? String(error) };
}

export const receivedError = ({ kind, message }: SentError): Error =>
  kind === null ? new Error(`in the sampler's process: ${message}`) : new CLASSES[kind](message);
