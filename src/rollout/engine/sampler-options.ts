/** What the sampler on ONNX Runtime is made of, its defaults, and what they must keep to. */
import { availableParallelism } from 'node:os';
import type { DecoderSpec } from '../../model/spec.js';
import { InputError } from '../../util/errors.js';
import type { ComputeElement } from '../graph/element-type.js';
import { checkSampledModel } from '../graph/limits.js';
import type { NativePrecision } from '../graph/native-layout.js';
import type { WeightSource } from '../graph/weight-source.js';
import type { RolloutDevice } from '../ort/provider.js';
import type { SessionModel } from '../ort/session.js';
import type { RolloutTokenizer } from '../types.js';
import { MAX_CACHE_BYTES } from './cache-bytes.js';

export interface OnnxSamplerOptions {
  readonly spec: DecoderSpec;
  /** Base weights by Hugging Face name, or the graph that was made of them (`decoderFiles`). */
  readonly weights: WeightSource | SessionModel;
  readonly tokenizer: RolloutTokenizer;
  /** Full names of the modules that adapters may change. None: the graph has no adapter inputs at all. */
  readonly loraModules?: readonly string[];
  /** Longest prompt and completion together, in tokens. */
  readonly maxContext: number;
  /** Most completions in progress at once. */
  readonly maxBatch?: number;
  /** Bytes that keys and values of completions in progress may take; lowers the batch where needed. */
  readonly maxCacheBytes?: number;
  /**
   * Bytes, beside those, for keys and values of sequences that have ended: a prompt that begins as they did is
   * computed from there. Default: none. On the CPU only. Adapters are told apart by their versions.
   */
  readonly maxPrefixBytes?: number;
  /** Most prompt tokens of one run, padding included; longer prompts are computed in pieces. */
  readonly maxRunTokens?: number;
  /** Threads of one operator; all of the machine's when absent. */
  readonly threads?: number;
  /** Our own operators, on the CPU; absent: ONNX Runtime's, which compute in float32. */
  readonly kernels?: KernelOptions;
  /** What ONNX Runtime's own operators compute in; default: float32. CUDA takes the types of two bytes only. */
  readonly type?: ComputeElement;
  /** What samples; default: the CPU. */
  readonly device?: RolloutDevice;
  /** Most bytes that ONNX Runtime's tensors may take together, on the card or on the CPU; not on WebGPU. */
  readonly memoryLimit?: number;
  /** Who chooses tokens, where the sampling parameters allow the graph; default: the graph on a GPU, else the host. */
  readonly choice?: 'host' | 'graph';
}

export interface KernelOptions {
  /** The library that set-up compiled. */
  readonly library: string;
  readonly precision: NativePrecision;
}

type Defaulted =
  | ('loraModules' | 'maxBatch' | 'maxCacheBytes' | 'maxRunTokens' | 'maxPrefixBytes')
  | ('threads' | 'type' | 'device' | 'choice');

/** The options with their defaults. */
export type SamplerSettings = OnnxSamplerOptions & Required<Pick<OnnxSamplerOptions, Defaulted>>;

/** @throws InputError when options do not fit the model */
export function samplerSettings(options: OnnxSamplerOptions): SamplerSettings {
  const { device = 'cpu', spec, maxContext } = options;
  const settings: SamplerSettings = {
    loraModules: [],
    maxBatch: 128,
    maxCacheBytes: MAX_CACHE_BYTES,
    maxRunTokens: 2048,
    maxPrefixBytes: 0,
    threads: availableParallelism(),
    type: 'float32',
    device,
    choice: device === 'cpu' ? 'host' : 'graph',
    ...options,
  };
  if (!Number.isSafeInteger(maxContext) || maxContext < 2 || maxContext > spec.maxPositions) {
    throw new InputError({
      where: 'rollout context',
      problem: `${maxContext} tokens, expected 2 to ${spec.maxPositions} for this model`,
    });
  }
  checkSampledModel(spec, settings);
  const { maxBatch } = settings;
  if (!Number.isSafeInteger(maxBatch) || maxBatch < 1) {
    throw new InputError({ where: 'rollout batch', problem: `${maxBatch}, expected at least 1` });
  }
  return settings;
}
