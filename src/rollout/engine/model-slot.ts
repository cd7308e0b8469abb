/** The place of a sampler's model: other weights take it, and a failure to load them leaves it empty. */
import { RunError } from '../../util/errors.js';
import type { WeightSource } from '../graph/weight-source.js';
import type { SessionModel } from '../ort/session.js';
import type { OrtTensor } from '../ort/tensor.js';
import { decoderFiles } from './decoder-files.js';
import { LoadedModel, type LoadOptions } from './loaded-model.js';
import type { SamplerSettings } from './sampler-options.js';

type SlotOptions = Omit<LoadOptions, 'spec' | 'isAdaptable'> & {
  readonly settings: SamplerSettings;
  /** Called when the model leaves. */
  readonly onUnload: () => void;
};

export class ModelSlot {
  private readonly options: SlotOptions;
  private loaded: LoadedModel | null = null;

  constructor(options: SlotOptions) {
    this.options = options;
  }

  /** Puts weights in place of those that are there, which leave first: a card may hold one copy only. */
  load(source: WeightSource | SessionModel, lora: ReadonlyMap<string, OrtTensor>): void {
    const { settings, ...options } = this.options;
    const { spec, loraModules } = settings;
    const files =
      typeof source === 'function' ? decoderFiles(settings, source, options.native) : null;
    try {
      this.unload();
      const isAdaptable = loraModules.length > 0;
      this.loaded = new LoadedModel(files ?? (source as SessionModel), {
        ...options,
        spec,
        isAdaptable,
      });
      this.loaded.bindLora(lora);
    } finally {
      files?.dispose();
    }
  }

  /** @throws RunError when there is none */
  get model(): LoadedModel {
    if (this.loaded !== null) return this.loaded;
    throw new RunError({
      where: 'rollouts',
      problem: 'the sampler has no weights, as others could not be loaded in place of them',
      remedy: 'Load weights again, or make another sampler',
    });
  }

  /** Inputs of the adapter that are other tensors now. */
  bindLora(inputs: ReadonlyMap<string, OrtTensor>): void {
    this.loaded?.bindLora(inputs);
  }

  unload(): void {
    this.loaded?.dispose();
    this.loaded = null;
    this.options.onUnload();
  }
}
