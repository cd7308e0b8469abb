/**
 * The sampler on ONNX Runtime: requests are checked, laid out in slots, and run one call after the other
 * through the session with the base weights; the adapter's memory is beside it.
 */
import { RunError } from '../../util/errors.js';
import type { Adapter } from '../../weights/index.js';
import type { ComputeElement } from '../graph/element-type.js';
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
import { cacheBytesPerRow, cacheBytesPerToken } from './cache-bytes.js';
import { CallQueue } from './call-queue.js';
import { Choosers } from './choosers.js';
import { RowMover } from './device-cache.js';
import { FurtherRequests } from './further-requests.js';
import { Generation } from './generation.js';
import { LoraInputs } from './lora-inputs.js';
import type { LoraPacking } from './lora-matrices.js';
import { ModelSlot } from './model-slot.js';
import { type CacheRow, PrefixCache } from './prefix-cache.js';
import { PromptQueue } from './prompt-queue.js';
import { RequestSamplers } from './request-samplers.js';
import { checkRequests, checkSequences, inRequestOrder } from './requests.js';
import {
  type OnnxSamplerOptions,
  type SamplerSettings,
  samplerSettings,
} from './sampler-options.js';
import { scoreSequences } from './score.js';
import { completionsOf, type SlotLimits, slotsOf, slotsOfAny } from './slots.js';

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
  const settings = samplerSettings(options);
  return explaining(() => new SessionSampler(settings));
}

class SessionSampler implements OnnxSampler {
  private readonly settings: SamplerSettings;
  readonly native: NativeKernels | null;
  /** What ONNX Runtime's operators compute in. */
  readonly type: ComputeElement;
  private readonly kernels: LoadedKernels | null;
  private readonly lora: LoraInputs;
  private readonly slot: ModelSlot;
  /** Copies rows of caches in a device's memory; null on the CPU. */
  private readonly mover: RowMover | null;
  private readonly choosers: Choosers;
  /** Null where nothing is kept between calls. */
  private readonly prefixes: PrefixCache | null;
  /** What the sessions draw their memory from where it has a limit. */
  private readonly arena: SharedArena | null;
  private readonly calls = new CallQueue();
  private weightsVersion: string | null = null;
  private isDisposed = false;

  constructor(settings: SamplerSettings) {
    this.settings = settings;
    const {
      spec,
      kernels = null,
      memoryLimit,
      device,
      type,
      threads,
      loraModules,
      maxPrefixBytes: maxBytes,
    } = settings;
    this.type = type;
    this.arena = memoryLimit === undefined ? null : new SharedArena(device, { memoryLimit });
    this.kernels = kernels === null ? null : loadKernels(kernels.library);
    this.native =
      kernels === null
        ? null
        : {
            precision: kernels.precision,
            threads,
            onAllocate: (memory) => this.kernels?.hugePages(memory),
          };
    this.lora = new LoraInputs(spec, loraModules, this.packing());
    this.choosers = new Choosers(spec.vocabSize, this.sessionOptions);
    this.mover = this.isOnDevice ? new RowMover(spec, type, this.sessionOptions) : null;
    const keeps = maxBytes > 0 && this.mover === null;
    this.prefixes = keeps ? new PrefixCache(spec, { type: this, maxBytes }) : null;
    const { native, mover, sessionOptions: session } = this;
    const onUnload = () => this.prefixes?.clear();
    this.slot = new ModelSlot({ settings, session, native, type, mover, onUnload });
    this.slot.load(settings.weights, this.lora.inputs());
  }

  private get isOnDevice(): boolean {
    return this.settings.device !== 'cpu';
  }

  private get sessionOptions(): SessionOptions {
    const { threads, device, memoryLimit } = this.settings;
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
      const { spec, maxContext, maxBatch, maxRunTokens } = this.settings;
      const { vocabSize } = spec;
      checkSequences(sequences, { vocabSize, maxContext });
      const { promptLane: lane } = this.slot.model;
      lane.keepOutputs('host');
      const sizes = { vocabSize, maxRows: maxBatch, maxTokens: maxRunTokens };
      return scoreSequences(sequences, { lane, ...sizes });
    });
  }

  setAdapter(adapter: Adapter | null, version?: string): SyncResult {
    if (!this.calls.isIdle) {
      throw new RunError('rollout: the adapter cannot change while completions are being sampled');
    }
    const start = performance.now();
    explaining(() => {
      // A device has a copy of the tensors, and needs another one.
      if (this.lora.write(adapter, version) || this.isOnDevice) {
        this.slot.bindLora(this.lora.inputs());
      }
    });
    return { hash: this.adapterHash, syncMs: performance.now() - start };
  }

  /** After an error in writing the new weights the former stay; after one in loading them there are none. */
  reloadWeights(weights: WeightSource | SessionModel, version: string): Promise<SyncResult> {
    return this.exclusive(async () => {
      const start = performance.now();
      this.slot.load(weights, this.lora.inputs());
      this.weightsVersion = version;
      return { hash: this.adapterHash, syncMs: performance.now() - start };
    });
  }

  /** Native memory goes when the calls under way are done. */
  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.calls.whenIdle(() => {
      this.slot.unload();
      this.choosers.dispose();
      this.mover?.dispose();
      this.arena?.dispose();
      this.lora.dispose();
      returnFreedMemory();
    });
  }

  private async generateNow(
    requests: readonly StreamRequest[],
    params: SamplingParams,
    options: StreamOptions,
  ): Promise<Completion[]> {
    const { spec, maxContext, maxRunTokens, tokenizer, choice } = this.settings;
    checkSamplingParams(params, spec.vocabSize);
    const sizes = { vocabSize: spec.vocabSize, maxContext, ids: new Set<string>() };
    checkRequests(requests, sizes);
    if (requests.length === 0) return [];
    const { onCompletion, arrivals, next } = options;
    const further = next === undefined ? null : new FurtherRequests(next, sizes);
    const samplers = new RequestSamplers(params, { ...sizes, eosIds: tokenizer.eosIds });
    const { promptLane, decodeLane, lanes } = this.slot.model;
    const isOwn = ({ params: own, topLogprobs }: StreamRequest) =>
      own !== undefined || topLogprobs !== undefined;
    const isMixed = arrivals !== undefined || requests.some(isOwn);
    const limits = this.slotLimits;
    const isKnown = !isMixed && further === null;
    // One that follows takes the place of the completion that it follows from.
    const wanted = arrivals === undefined ? completionsOf(requests) : limits.maxBatch;
    const geometry = isKnown ? slotsOf(requests, params, limits) : slotsOfAny(wanted, limits);
    decodeLane.shapeCache(geometry);
    const chooser = this.choosers.of(params, samplers, isMixed ? 'host' : choice);
    for (const lane of lanes) lane.keepOutputs(chooser.reads);
    const completions: Completion[] = [];
    const { prefixes, adapterHash: adapter } = this;
    const generation = new Generation({
      ...options,
      queue: new PromptQueue(requests, {
        lane: promptLane,
        maxRows: geometry.rows,
        maxTokens: maxRunTokens,
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
    const { spec, maxContext, maxBatch, maxCacheBytes } = this.settings;
    const bytesPerToken = cacheBytesPerToken(spec, this);
    const bytesPerRow = cacheBytesPerRow(spec);
    return { maxContext, maxBatch, maxCacheBytes, bytesPerToken, bytesPerRow };
  }

  private packing(): LoraPacking | null {
    const { native, kernels } = this;
    if (native === null || kernels === null) return null;
    return { type: cacheType(native), kernels };
  }

  /** Runs one call at a time, in the order they were made. */
  private exclusive<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.isDisposed) return Promise.reject(new RunError('rollout: the sampler is disposed'));
    return this.calls.run(() => explainingAsync(call));
  }
}
