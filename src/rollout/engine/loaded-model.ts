/** The session that holds the weights, and the two lanes through it: prompts (also scoring) and decoding. */
import type { DecoderSpec } from '../../model/spec.js';
import type { ComputeElement } from '../graph/element-type.js';
import type { NativeKernels } from '../graph/native-layout.js';
import { OrtSession, type SessionModel, type SessionOptions } from '../ort/session.js';
import type { OrtTensor } from '../ort/tensor.js';
import { DeviceCache, type RowMover } from './device-cache.js';
import { KvCache } from './kv-cache.js';
import { Lane } from './lane.js';

export interface LoadOptions {
  readonly spec: DecoderSpec;
  readonly session: SessionOptions;
  readonly native: NativeKernels | null;
  /** What ONNX Runtime's operators compute in. */
  readonly type: ComputeElement;
  /** Copies rows of caches in a device's memory; null on the CPU. */
  readonly mover: RowMover | null;
  /** Whether the graph has inputs for adapters. */
  readonly isAdaptable: boolean;
}

export class LoadedModel {
  readonly promptLane: Lane;
  readonly decodeLane: Lane;
  private readonly session: OrtSession;

  /** @throws RunError with ONNX Runtime's message when the graph is refused or memory runs out */
  constructor(model: SessionModel, options: LoadOptions) {
    this.session = OrtSession.create(model, options.session);
    this.promptLane = newLane(this.session, options);
    this.decodeLane = newLane(this.session, options);
  }

  get lanes(): readonly Lane[] {
    return [this.promptLane, this.decodeLane];
  }

  bindLora(inputs: ReadonlyMap<string, OrtTensor>): void {
    for (const lane of this.lanes) lane.bindLora(inputs);
  }

  dispose(): void {
    for (const lane of this.lanes) lane.dispose();
    this.session.dispose();
  }
}

function newLane(session: OrtSession, options: LoadOptions): Lane {
  const { spec, native, mover, isAdaptable } = options;
  const minRows = native === null && mover === null && isAdaptable ? 2 : 1;
  const cache = mover === null ? new KvCache(spec, options) : new DeviceCache(spec, mover);
  return new Lane({ session, spec, cache, minRows, isNative: native !== null });
}
