/**
 * The sampler on ONNX Runtime: requests are checked, laid out in slots, and run one call after the other
 * through the session with the base weights; the adapter's memory is beside it.
 */
import { availableParallelism } from 'node:os';
import { InputError, RunError } from '../../util/errors.js';
import type { Adapter } from '../../weights/index.js';
import type { ComputeElement } from '../graph/element-type.js';
import { checkDevice } from '../graph/limits.js';
import { cacheType, type NativeKernels } from '../graph/native-layout.js';
import type { WeightSource } from '../graph/weight-source.js';
import { explaining, explainingAsync } from '../ort/explained.js';
import { returnFreedMemory } from '../ort/freed-memory.js';
import { type LoadedKernels, loadKernels } from '../ort/kernels.js';
import type { SessionModel, SessionOptions } from '../ort/session.js';
import { SharedArena } from '../ort/shared-arena.js';
import { checkSamplingParams } from '../sampling/params.js';
import type {
  Completion,
  RolloutSampler,
  SamplingParams,
  StreamOptions,
  StreamRequest,
  SyncResult,
} from '../types.js';
import { Choosers } from './choosers.js';
import { decoderFiles } from './decoder-files.js';
import { RowMover } from './device-cache.js';
import { FurtherRequests } from './further-requests.js';
import { Generation } from './generation.js';
import { cacheBytesPerToken } from './kv-cache.js';
import { LoadedModel } from './loaded-model.js';
import { LoraInputs, type LoraPacking } from './lora-inputs.js';
import { type CacheRow, PrefixCache } from './prefix-cache.js';
import { PromptQueue } from './prompt-queue.js';
import { RequestSamplers } from './request-samplers.js';
import { checkRequests, checkSequences, inRequestOrder } from './requests.js';
import type { OnnxSamplerOptions } from './sampler-options.js';
import { scoreSequences } from './score.js';
import { completionsOf, type SlotLimits, slotsOf, slotsOfAny } from './slots.js';

const DEFAULT_MAX_BATCH = 128;
const DEFAULT_MAX_RUN_TOKENS = 2048;
const DEFAULT_MAX_CACHE_BYTES = 4 * 2 ** 30;

/** The sampler in this process, where an adapter is set at once. */
export interface OnnxSampler extends RolloutSampler {
  setAdapter(adapter: Adapter | null, version?: string): SyncResult;
  reloadWeights(weights: WeightSource | SessionModel, version: string): Promise<SyncResult>;
}

/**
 * @throws InputError when options do not fit the model
 * @throws SetupError when ONNX Runtime is missing or of an unknown version
 */
export async function createOnnxSampler(options: OnnxSamplerOptions): Promise<OnnxSampler> {
  const { spec, maxContext, maxBatch = DEFAULT_MAX_BATCH } = options;
  if (!Number.isSafeInteger(maxContext) || maxContext < 2 || maxContext > spec.maxPositions) {
    throw new InputError({
      where: 'rollout context',
      problem: `${maxContext} tokens, expected 2 to ${spec.maxPositions} for this model`,
    });
  }
  checkDevice(spec, options.device ?? 'cpu');
  if (!Number.isSafeInteger(maxBatch) || maxBatch < 1) {
    throw new InputError({ where: 'rollout batch', problem: `${maxBatch}, expected at least 1` });
  }
  return explaining(() => new SessionSampler(options));
}

class SessionSampler implements OnnxSampler {
  private readonly options: OnnxSamplerOptions;
  readonly native: NativeKernels | null;
  /** What ONNX Runtime's operators compute in. */
  readonly type: ComputeElement;
  private readonly kernels: LoadedKernels | null;
  private readonly lora: LoraInputs;
  /** Copies rows of caches in a device's memory; null on the CPU. */
  private readonly mover: RowMover | null;
  private readonly choosers: Choosers;
  /** Null where nothing is kept between calls. */
  private readonly prefixes: PrefixCache | null;
  /** What the sessions draw their memory from where it has a limit. */
  private readonly arena: SharedArena | null;
  private weightsVersion: string | null = null;
  /** Null after other weights could not be loaded. */
  private loaded: LoadedModel | null = null;
  /** Settles when the last call that was made is done. */
  private queue: Promise<unknown> = Promise.resolve();
  private pending = 0;
  private isDisposed = false;

  constructor(options: OnnxSamplerOptions) {
    this.options = options;
    this.type = options.type ?? 'float32';
    const { kernels = null, memoryLimit, device = 'cpu' } = options;
    this.arena = memoryLimit === undefined ? null : new SharedArena(device, { memoryLimit });
    this.kernels = kernels === null ? null : loadKernels(kernels.library);
    this.native =
      kernels === null
        ? null
        : {
            precision: kernels.precision,
            threads: options.threads ?? availableParallelism(),
            onAllocate: (memory) => this.kernels?.hugePages(memory),
          };
    this.lora = new LoraInputs(options.spec, options.loraModules ?? [], this.packing());
    this.choosers = new Choosers(options.spec.vocabSize, this.sessionOptions);
    this.mover = this.isOnDevice
      ? new RowMover(options.spec, this.type, this.sessionOptions)
      : null;
    const { maxPrefixBytes: maxBytes = 0 } = options;
    const keeps = maxBytes > 0 && this.mover === null;
    this.prefixes = keeps ? new PrefixCache(options.spec, { type: this, maxBytes }) : null;
    this.load(options.weights);
  }

  private get maxRunTokens(): number {
    return this.options.maxRunTokens ?? DEFAULT_MAX_RUN_TOKENS;
  }

  private get isOnDevice(): boolean {
    return (this.options.device ?? 'cpu') !== 'cpu';
  }

  private get choiceBy(): 'host' | 'graph' {
    return this.options.choice ?? (this.isOnDevice ? 'graph' : 'host');
  }

  private get sessionOptions(): SessionOptions {
    const { threads = availableParallelism(), device = 'cpu', memoryLimit } = this.options;
    const { kernels } = this;
    return { threads, kernels, device, ...(memoryLimit !== undefined && { memoryLimit }) };
  }

  get adapterHash(): string | null {
    return this.lora.hash ?? this.weightsVersion;
  }

  generate(
    requests: readonly StreamRequest[],
    params: SamplingParams,
    options: StreamOptions = {},
  ): Promise<Completion[]> {
    return this.exclusive(() => this.generateNow(requests, params, options));
  }

  score(sequences: readonly (readonly number[])[]): Promise<Float32Array[]> {
    return this.exclusive(() => {
      const { spec, maxContext, maxBatch = DEFAULT_MAX_BATCH } = this.options;
      checkSequences(sequences, { vocabSize: spec.vocabSize, maxContext });
      const { vocabSize } = spec;
      const { promptLane: lane } = this.model;
      lane.keepOutputs('host');
      return scoreSequences(sequences, {
        lane,
        vocabSize,
        maxRows: maxBatch,
        maxTokens: this.maxRunTokens,
      });
    });
  }

  setAdapter(adapter: Adapter | null, version?: string): SyncResult {
    if (this.pending > 0) {
      throw new RunError('rollout: the adapter cannot change while completions are being sampled');
    }
    const start = performance.now();
    explaining(() => {
      // A device has a copy of the tensors, and needs another one.
      if (this.lora.write(adapter, version) || this.isOnDevice) {
        this.loaded?.bindLora(this.lora.inputs());
      }
    });
    return { hash: this.adapterHash, syncMs: performance.now() - start };
  }

  /** After an error in writing the new weights the former stay; after one in loading them there are none. */
  reloadWeights(weights: WeightSource | SessionModel, version: string): Promise<SyncResult> {
    return this.exclusive(async () => {
      const start = performance.now();
      this.load(weights);
      this.weightsVersion = version;
      return { hash: this.adapterHash, syncMs: performance.now() - start };
    });
  }

  /** Native memory goes when the calls under way are done. */
  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    const release = () => {
      this.unload();
      this.choosers.dispose();
      this.mover?.dispose();
      this.arena?.dispose();
      this.lora.dispose();
      returnFreedMemory();
    };
    if (this.pending === 0) release();
    else this.queue = this.queue.then(release);
  }

  private async generateNow(
    requests: readonly StreamRequest[],
    params: SamplingParams,
    options: StreamOptions,
  ): Promise<Completion[]> {
    const { spec, maxContext, tokenizer } = this.options;
    checkSamplingParams(params, spec.vocabSize);
    const sizes = { vocabSize: spec.vocabSize, maxContext, ids: new Set<string>() };
    checkRequests(requests, sizes);
    if (requests.length === 0) return [];
    const { signal, onToken, onCompletion, arrivals, next } = options;
    const further = next === undefined ? null : new FurtherRequests(next, sizes);
    const samplers = new RequestSamplers(params, { ...sizes, eosIds: tokenizer.eosIds });
    const { promptLane, decodeLane, lanes } = this.model;
    const isOwn = ({ params: own, topLogprobs }: StreamRequest) =>
      own !== undefined || topLogprobs !== undefined;
    const isMixed = arrivals !== undefined || requests.some(isOwn);
    const limits = this.slotLimits;
    const isKnown = !isMixed && further === null;
    // One that follows takes the place of the completion that it follows from.
    const wanted = arrivals === undefined ? completionsOf(requests) : limits.maxBatch;
    const geometry = isKnown ? slotsOf(requests, params, limits) : slotsOfAny(wanted, limits);
    decodeLane.shapeCache(geometry);
    const chooser = this.choosers.of(params, samplers, isMixed ? 'host' : this.choiceBy);
    for (const lane of lanes) lane.keepOutputs(chooser.reads);
    const completions: Completion[] = [];
    const { prefixes, adapterHash: adapter } = this;
    const generation = new Generation({
      queue: new PromptQueue(requests, {
        lane: promptLane,
        maxRows: geometry.rows,
        maxTokens: this.maxRunTokens,
        inverseTemperature: (request) => samplers.of(request).inverseTemperature,
        ...(prefixes && { keptOf: (ids: readonly number[]) => prefixes.find(ids, adapter) }),
      }),
      promptLane,
      decodeLane,
      chooser,
      samplers,
      tokenizer,
      slots: geometry.rows,
      maxContext,
      adapter,
      signal,
      onToken,
      arrivals,
      onFinish: (completion) => {
        if (sizes.ids.has(completion.requestId)) completions.push(completion);
        onCompletion?.(completion);
      },
      further,
      ...(prefixes && {
        keep: (from: CacheRow, ids: readonly number[]) => prefixes.keep(from, ids, adapter),
      }),
    });
    await generation.run().finally(() => further?.close());
    return inRequestOrder(completions, [...requests, ...(further?.all ?? [])]);
  }

  private get slotLimits(): SlotLimits {
    const { spec, maxContext } = this.options;
    const { maxBatch = DEFAULT_MAX_BATCH, maxCacheBytes = DEFAULT_MAX_CACHE_BYTES } = this.options;
    const bytesPerToken = cacheBytesPerToken(spec, this);
    return { maxContext, maxBatch, maxCacheBytes, bytesPerToken };
  }

  private packing(): LoraPacking | null {
    const { native, kernels } = this;
    if (native === null || kernels === null) return null;
    return { type: cacheType(native), kernels };
  }

  /** Puts weights in place of those that are there, which leave first: a card may hold one copy only. */
  private load(source: WeightSource | SessionModel): void {
    const files =
      typeof source === 'function' ? decoderFiles(this.options, source, this.native) : null;
    try {
      this.unload();
      const { spec, loraModules = [] } = this.options;
      const { native, type, mover, sessionOptions: session } = this;
      const isAdaptable = loraModules.length > 0;
      const options = { spec, session, native, type, mover, isAdaptable };
      this.loaded = new LoadedModel(files ?? (source as SessionModel), options);
      this.loaded.bindLora(this.lora.inputs());
    } finally {
      files?.dispose();
    }
  }

  private get model(): LoadedModel {
    if (this.loaded !== null) return this.loaded;
    throw new RunError({
      where: 'rollouts',
      problem: 'the sampler has no weights, as others could not be loaded in place of them',
      remedy: 'Load weights again, or make another sampler',
    });
  }

  private unload(): void {
    this.loaded?.dispose();
    this.loaded = null;
    this.prefixes?.clear();
  }

  /** Runs one call at a time, in the order they were made. */
  private exclusive<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.isDisposed) return Promise.reject(new RunError('rollout: the sampler is disposed'));
    this.pending++;
    const result = this.queue.then(() => explainingAsync(call)).finally(() => this.pending--);
    this.queue = result.catch(() => undefined);
    return result;
  }
}
