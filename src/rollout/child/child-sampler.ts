/**
 * The sampler on ONNX Runtime in a process of its own, behind the same interface: for libraries that cannot
 * stand beside those of this process (two releases of CUDA), and for memory of a GPU that only the end of a
 * process gives back. The graph is written here and its files are loaded there, so that weights are never sent.
 */
import { InputError, RunError } from '../../util/errors.js';
import type { Adapter } from '../../weights/index.js';
import { decoderFiles } from '../engine/decoder-files.js';
import type { OnnxSamplerOptions } from '../engine/sampler-options.js';
import type { WeightSource } from '../graph/weight-source.js';
import type { ModelFiles } from '../onnx/model-files.js';
import type {
  Completion,
  GenerateOptions,
  PromptRequest,
  RolloutSampler,
  SamplingParams,
  SyncResult,
} from '../types.js';
import { Connection } from './connection.js';

export type ChildSamplerOptions = Omit<OnnxSamplerOptions, 'weights' | 'tokenizer' | 'kernels'> & {
  readonly weights: WeightSource;
  /** Folder of the tokenizer's files; null where only ids are scored. */
  readonly tokenizerDir: string | null;
  /** Tokens that end a text; default: those of the tokenizer. */
  readonly eosIds?: readonly number[];
  /** Environment of the process; default: that of this one. */
  readonly env?: NodeJS.ProcessEnv;
};

export interface ChildSampler extends RolloutSampler {
  /** Of the process; undefined while there is none. */
  readonly pid: number | undefined;
  /** Ends the process, which gives all of its memory back; the next call starts one anew. */
  release(): void;
}

/**
 * @throws InputError or SetupError as `createOnnxSampler` does, with its message
 * @throws RunError when the process ends
 */
export async function createChildSampler(options: ChildSamplerOptions): Promise<ChildSampler> {
  const sampler = new ProcessSampler(options);
  try {
    await sampler.open();
    return sampler;
  } catch (error) {
    sampler.dispose();
    throw error;
  }
}

interface Installed {
  readonly adapter: Adapter | null;
  readonly version: string | undefined;
}

class ProcessSampler implements ChildSampler {
  private readonly options: ChildSamplerOptions;
  private files: ModelFiles;
  private connection: Promise<Connection> | null = null;
  private current: Connection | null = null;
  private installed: Installed = { adapter: null, version: undefined };
  /** Version of weights that were loaded in place of the first ones. */
  private reloaded: string | null = null;
  private isDisposed = false;
  adapterHash: string | null = null;

  constructor(options: ChildSamplerOptions) {
    this.options = options;
    this.files = decoderFiles(options, options.weights);
  }

  get pid(): number | undefined {
    return this.current?.pid;
  }

  /** The process, started where there is none, with the adapter that was set last. */
  open(): Promise<Connection> {
    if (this.isDisposed) return Promise.reject(new RunError('rollout: the sampler is disposed'));
    this.connection ??= this.start().catch((error: unknown) => {
      this.release();
      throw error;
    });
    return this.connection;
  }

  async generate(
    requests: readonly PromptRequest[],
    { constraint, ...params }: SamplingParams,
    options: GenerateOptions = {},
  ): Promise<Completion[]> {
    if (constraint !== null) {
      throw new InputError({
        where: 'response_format',
        problem: 'a sampler in a process of its own does not take it',
        remedy: 'Use rollout_device=cpu or rollout_device=webgpu',
      });
    }
    const connection = await this.open();
    return await connection.call('generate', { requests, params }, options);
  }

  async score(sequences: readonly (readonly number[])[]): Promise<Float32Array[]> {
    return await (await this.open()).call('score', { sequences });
  }

  async setAdapter(adapter: Adapter | null, version?: string): Promise<SyncResult> {
    const connection = await this.open();
    const result = await connection.call('setAdapter', { adapter, version });
    this.installed = { adapter, version };
    this.adapterHash = result.hash;
    return result;
  }

  async reloadWeights(weights: WeightSource, version: string): Promise<SyncResult> {
    const connection = await this.open();
    const files = decoderFiles(this.options, weights);
    const former = this.files;
    try {
      const sent = { weights: sessionModel(files), version };
      const result = await connection.call('reloadWeights', sent);
      [this.files, this.reloaded, this.adapterHash] = [files, version, result.hash];
      return result;
    } finally {
      // Those that are not in use: the former, or after an error the new.
      (this.files === files ? former : files).dispose();
    }
  }

  release(): void {
    this.current?.close();
    this.current = null;
    this.connection = null;
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.release();
    this.files.dispose();
  }

  private async start(): Promise<Connection> {
    const { weights: _weights, env = process.env, eosIds, ...options } = this.options;
    const connection = new Connection(env);
    this.current = connection;
    const weights = sessionModel(this.files);
    await connection.call('open', { options: { ...options, weights, eosIds } });
    if (this.reloaded !== null) {
      await connection.call('reloadWeights', { weights, version: this.reloaded });
    }
    const { adapter, version } = this.installed;
    if (adapter !== null) await connection.call('setAdapter', { adapter, version });
    return connection;
  }
}

const sessionModel = ({ model, dataFolder }: ModelFiles) => ({ model, dataFolder });
